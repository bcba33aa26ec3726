"""One date as somebody wrote it, taken apart into numbers, words and a time of day; what they mean is open here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from functools import lru_cache

from services.jobs.ingest.dates.words import fold

_MAX_LENGTH = 100
_MAX_TOKENS = 14  # a weekday, a date and a time in the wordiest language
_MAX_WORD = 24
_MAX_HYPHENS = 5  # of 5-Jan-2025-11-Jan-2025
LOCAL = timezone(timedelta(0), "local")  # of a time that was written without an offset; compares as UTC
# English, Chinese and Persian have a word between the ends of a range; the other languages have a dash.
_RANGE = re.compile(
    r"(?<=\d{4}-\d{2}-\d{2})[-/](?=\d{4}-\d{2})|(?<=/\d{4})-(?=\d{1,2}/)|\s(?:--?|–|→)\s|\s?~\s?|\s?–\s?|\s(?:to|تا)\s|至"
)
_SHORT_YEAR = re.compile(r"['’](?=\d{2}(?!\d))")  # Jan '24
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|o)(?![^\W\d])")  # 5th, 1er, 1º
_DASHED = re.compile(r"\d+(?P<dash>–)\d+(?P=dash)\d+")
_ZONE = r"(?P<zone>\s?\+0000 utc|\s?(?:z|utc|gmt)?(?:\s?[+-]\d{2}(?::?\d{2})?)?)(?=$|[\s)])"
_COLONS = re.compile(
    r"(?:(?<=\d)t|(?<![\d:.]))(?P<hour>\d{1,2})(?::|\s?h\s?)(?P<minute>\d{2})"
    r"(?:(?::|\s?min\s?)(?P<second>\d{2})(?:[.,](?:0{1,9}|9{1,9}))?(?:\s?s(?![^\W\d]))?)?"
    r"(?:\s?(?P<half>[ap])m(?![^\W\d]))?" + _ZONE
)
_HOUR_ALONE = re.compile(r"(?<![\d:./-])(?P<hour>\d{1,2})\s?(?P<half>[ap])m" + _ZONE)
_STOPS = re.compile(
    r"(?:(?<=[^\W\d]\s)|(?<=\d{4}\s)|(?<=\d{4},\s))(?P<hour>\d{1,2})\.(?P<minute>\d{2})(?:\.(?P<second>\d{2}))?$"
)
_COMMENT = re.compile(r"(?<=gmt[+-]\d{4}) \([^)]*\)$")  # JavaScript names the zone after its offset
_TOKEN = re.compile(r"(?P<number>\d+)|(?P<word>[^\d\s,./()\-–~、،;]+)|(?P<mark>[\s,./()\-–~、،;]+)")


@dataclass(frozen=True)
class Clock:
    """A time of day; `half` is "am", "pm" or "" where the text has none that all languages write."""

    hour: int
    minute: int
    second: int
    half: str
    zone: timezone


@dataclass(frozen=True)
class Token:
    """A run of digits or a word, and what stands before it."""

    text: str
    number: bool
    mark: str  # punctuation and spaces between it and the token before
    optional: bool = False  # the word joins date and time, as "at" does; it may be unknown

    @property
    def cased(self) -> bool:
        """Whether its script has capitals."""
        return self.text.upper() != self.text


@dataclass(frozen=True)
class Moment:
    """One end of a range, or a date alone."""

    tokens: tuple[Token, ...]
    clock: Clock | None

    def words(self, optional: bool) -> list[str]:
        """Its words, those that must be known or those that need not."""
        return [token.text for token in self.tokens if not token.number and token.optional is optional]


Parts = tuple[Moment, ...]  # a date alone, or the two ends of a range


@lru_cache(maxsize=6_000)  # each date of a file is taken apart to find its table, and once more to read its column
def take_apart(text: str) -> tuple[Parts, ...]:
    """Every way to take it apart, the likeliest first; none of text that is no date."""
    if len(text) > _MAX_LENGTH or not any(map(str.isdecimal, text)):
        return ()
    folded = fold(_SHORT_YEAR.sub("-", text))
    if folded is None:
        return ()
    folded = _ORDINAL.sub("", _COMMENT.sub("", folded))
    if _DASHED.fullmatch(folded):
        folded = folded.replace("–", "-")
    ends = _RANGE.split(folded)
    if len(ends) > 1:
        return tuple(_range(ends)) if len(ends) == 2 else ()
    alone = _moment(folded)
    found: list[Parts] = [(alone,)] if alone else []
    # An unspaced hyphen may stand for "to" among names, as in "Jan 5-11, 2025"; among numbers it never does.
    if folded.count("-") <= _MAX_HYPHENS and any(map(str.isalpha, folded)):
        for hyphen in re.finditer("-", folded):
            found += _range([folded[: hyphen.start()], folded[hyphen.end() :]])
    return tuple(found)


def _range(ends: list[str]) -> list[Parts]:
    start, end = (_moment(side) for side in ends)
    return [(start, end)] if start and end else []


def _moment(text: str) -> Moment | None:
    match = _COLONS.search(text) or _HOUR_ALONE.search(text) or _STOPS.search(text)
    if match is None:
        return _checked(Moment(_tokens(text), None))
    parts = match.groupdict()
    hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
    zone = offset((parts.get("zone") or "").strip())
    if hour > 23 or minute > 59 or second > 59 or zone is None:
        return None
    clock = Clock(hour, minute, second, f"{parts['half']}m" if parts.get("half") else "", zone)
    before, after = _tokens(text[: match.start()]), _tokens(text[match.end() :])
    return _checked(Moment(_with_optional_end(before) + after, clock))


def _checked(moment: Moment) -> Moment | None:
    """The moment, unless it is longer than any date."""
    tokens = moment.tokens
    short = len(tokens) <= _MAX_TOKENS and all(len(token.text) <= _MAX_WORD for token in tokens)
    return moment if short and (tokens or moment.clock) else None


def _with_optional_end(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens with up to two words at their end made optional, as in "a las".

    Only in scripts with capitals: the others write the half of the day there, in more words than CLDR has for it.
    """
    first = len(tokens)
    while first > max(0, len(tokens) - 2) and not tokens[first - 1].number and tokens[first - 1].cased:
        first -= 1
    return tokens[:first] + tuple(Token(token.text, False, token.mark, optional=True) for token in tokens[first:])


def _tokens(text: str) -> tuple[Token, ...]:
    tokens, mark = [], ""
    for match in _TOKEN.finditer(text.strip()):
        if match.lastgroup == "mark":
            mark = match[0]
        else:
            tokens.append(Token(match[0], match.lastgroup == "number", mark))
            mark = ""
    return tuple(tokens)


def offset(zone: str) -> timezone | None:
    """The offset that "z", "utc" or "+05:30" name, LOCAL for none, None for one that no place has."""
    digits = re.sub(r"\D", "", zone)
    if not digits:
        return UTC if zone else LOCAL
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if size >= timedelta(days=1):
        return None
    return timezone(-size if "-" in zone else size)
