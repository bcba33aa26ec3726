"""Splits a written date into numbers, words and a time of day, without their meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from functools import lru_cache

from services.jobs.ingest.dates.words import fold

_MAX_LENGTH = 100
_MAX_TOKENS = 14  # a weekday, a date and a time in the language with the most words
_MAX_WORD = 24
_MAX_HYPHENS = 5  # of 5-Jan-2025-11-Jan-2025
LOCAL = timezone(timedelta(0), "local")  # marks a time without an offset; compares as UTC
# English, Chinese and Persian have a word between the ends of a range, other languages a dash.
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
    r"(?:\s?(?P<meridiem>[ap])m(?![^\W\d]))?" + _ZONE
)
_HOUR_ALONE = re.compile(r"(?<![\d:./-])(?P<hour>\d{1,2})\s?(?P<meridiem>[ap])m" + _ZONE)
_STOPS = re.compile(
    r"(?:(?<=[^\W\d]\s)|(?<=\d{4}\s)|(?<=\d{4},\s))(?P<hour>\d{1,2})\.(?P<minute>\d{2})(?:\.(?P<second>\d{2}))?$"
)
_COMMENT = re.compile(r"(?<=gmt[+-]\d{4}) \([^)]*\)$")  # JavaScript writes the name of the zone after its offset
_TOKEN = re.compile(r"(?P<number>\d+)|(?P<word>[^\d\s,./()\-–~、،;]+)|(?P<mark>[\s,./()\-–~、،;]+)")


@dataclass(frozen=True)
class Clock:
    """A time of day. `meridiem` is "am", "pm" or ""; other words for it depend on the language."""

    hour: int
    minute: int
    second: int
    meridiem: str
    zone: timezone


@dataclass(frozen=True)
class Token:
    """A run of digits or a word, and what is before it."""

    text: str
    number: bool
    mark: str  # punctuation and spaces since the previous token
    optional: bool = False  # a connector of date and time, such as "at"; it may be unknown

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
        """The words that may be unknown (`optional`), or those that must be known."""
        return [token.text for token in self.tokens if not token.number and token.optional is optional]


Parts = tuple[Moment, ...]  # a date alone, or the two ends of a range


@lru_cache(maxsize=6_000)  # each date is needed twice: to find the table, then to parse the column
def tokenize(text: str) -> tuple[Parts, ...]:
    """The alternatives to split the text, the likeliest first; empty if it is not a date."""
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
    # A hyphen without spaces may mean "to" in a date with words ("Jan 5-11, 2025"), never in one of numbers only.
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
        return _if_short(Moment(_tokens(text), None))
    parts = match.groupdict()
    hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
    zone = offset((parts.get("zone") or "").strip())
    if hour > 23 or minute > 59 or second > 59 or zone is None:
        return None
    clock = Clock(hour, minute, second, f"{parts['meridiem']}m" if parts.get("meridiem") else "", zone)
    before, after = _tokens(text[: match.start()]), _tokens(text[match.end() :])
    return _if_short(Moment(_with_optional_end(before) + after, clock))


def _if_short(moment: Moment) -> Moment | None:
    """The moment; None if it is longer than any date."""
    tokens = moment.tokens
    short = len(tokens) <= _MAX_TOKENS and all(len(token.text) <= _MAX_WORD for token in tokens)
    return moment if short and (tokens or moment.clock) else None


def _with_optional_end(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens, with up to two words at their end made optional, such as "a las".

    Only in scripts with capitals: other scripts have the word for am or pm there, in more forms than CLDR has.
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
    """The offset of "z", "utc" or "+05:30"; LOCAL for "", None for an impossible one."""
    digits = re.sub(r"\D", "", zone)
    if not digits:
        return UTC if zone else LOCAL
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if size >= timedelta(days=1):
        return None
    return timezone(-size if "-" in zone else size)
