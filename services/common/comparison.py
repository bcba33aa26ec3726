"""What names a comparison: two terms, one timeframe, one geo. Pure rules, shared by everything that takes input."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.common.errors import INVALID_ARGUMENT, WarmcastError

MAX_TERM_LENGTH = 100  # characters of a term
MAX_TERM_SLUG_LENGTH = 200  # of its slug form, in which `+` takes five
MAX_SLUG_LENGTH = 2 * MAX_TERM_SLUG_LENGTH + len("-vs-")
_SPELLED = str.maketrans({"+": " plus ", "#": " hash ", "&": " and "})
_GEO = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?|US-[A-Z]{2}-[0-9]{3}")
# Persian and Indic words need these two; other invisible characters only make equal terms different.
_JOINERS = "\u200c\u200d"
_PIECE = 32  # characters
# “Ã£” is no word, but “Ні” is one: two letters whose bytes in Windows-1251 happen to be UTF-8.
_MISREAD_AS = (("cp1252", 1), ("cp1251", 3))
# Marks that make another letter rather than an accent: nukta, kana voicing, virama (Unicode combining classes).
_LETTER_MARKS = (7, 8, 9)


class Step(StrEnum):
    """The spacing of a series."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Timeframe:
    """One of the six windows that a comparison is kept for."""

    name: str
    step: Step
    horizon: int  # periods that a forecast covers
    season: int  # periods in the season that the step's data repeat with


TIMEFRAMES = {
    timeframe.name: timeframe
    for timeframe in (
        Timeframe("7d", Step.HOURLY, horizon=48, season=24),
        Timeframe("30d", Step.DAILY, horizon=14, season=7),
        Timeframe("3m", Step.DAILY, horizon=14, season=7),
        Timeframe("12m", Step.WEEKLY, horizon=13, season=52),
        Timeframe("5y", Step.WEEKLY, horizon=26, season=52),
        Timeframe("all", Step.MONTHLY, horizon=12, season=12),
    )
}
DEFAULT_TIMEFRAME = "12m"


class ComparisonKey(NamedTuple):
    """A canonical slug, timeframe and geo."""

    slug: str
    timeframe: str
    geo: str

    @classmethod
    def parse(cls, slug: str, timeframe: str, geo: str) -> ComparisonKey:
        """Validates all three. Raises WarmcastError(INVALID_ARGUMENT) that names the parameter."""
        return cls(canonical_slug(slug), parse_timeframe(timeframe).name, parse_geo(geo))


class SnapshotKey(NamedTuple):
    """Names one snapshot: its comparison and the hash of its data."""

    slug: str
    timeframe: str
    geo: str
    data_hash: str

    @property
    def comparison(self) -> ComparisonKey:
        """The comparison that the snapshot belongs to."""
        return ComparisonKey(self.slug, self.timeframe, self.geo)


def parse_timeframe(text: str) -> Timeframe:
    """The timeframe of that name; empty is the default, 12m."""
    timeframe = TIMEFRAMES.get(text.strip().lower() or DEFAULT_TIMEFRAME)
    if timeframe is None:
        raise invalid("tf", f"unknown timeframe {_shown(text)}; one of {', '.join(TIMEFRAMES)}")
    return timeframe


def infer_timeframe(step: Step, points: int) -> Timeframe:
    """The timeframe that a series of that step and length belongs to, where none was given."""
    name = {
        Step.HOURLY: "7d",
        Step.DAILY: "30d" if points <= 31 else "3m",
        Step.WEEKLY: "12m" if points <= 54 else "5y",
        Step.MONTHLY: "all",
    }[step]
    return TIMEFRAMES[name]


def parse_geo(text: str) -> str:
    """An ISO 3166 code such as US or US-CA, or a metro area as Google writes it, US-NY-501; upper-cased.

    Empty is worldwide.
    """
    geo = text.strip().upper()
    # `ß` upper-cases to SS and `ı` to I, which are no codes.
    if geo and not (text.isascii() and _GEO.fullmatch(geo)):
        raise invalid(
            "geo",
            f"malformed geo {_shown(text)}; an ISO 3166 code such as US or US-CA, a metro area such as US-NY-501, or "
            "empty for worldwide",
        )
    return geo


def clean_term(text: str) -> str:
    """A term as it is shown and stored: NFKC, one space where there were several, no surrounding or invisible ones.

    Raises WarmcastError(INVALID_ARGUMENT) for a term that is empty, too long, has control characters, was decoded
    wrongly, has no letter or digit to make a slug of, or holds a `vs` of its own.
    """
    if len(text) > 10 * MAX_TERM_LENGTH:
        raise invalid("term", f"the term {_shown(text)} is longer than {MAX_TERM_LENGTH} characters")
    seen = " ".join("".join(c for c in text if unicodedata.category(c) != "Cf" or c in _JOINERS).split())
    if is_longer(seen, 2 * MAX_TERM_LENGTH):
        raise invalid("term", f"the term {_shown(text)} is longer than {MAX_TERM_LENGTH} characters")
    term = " ".join(unicodedata.normalize("NFKC", seen).split())
    if not term:
        raise invalid("term", "a term is empty")
    if len(term) > MAX_TERM_LENGTH:
        raise invalid("term", f"the term {_shown(term)} is longer than {MAX_TERM_LENGTH} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co") for character in term):
        raise invalid("term", f"the term {_shown(term)} has a control character")
    if _garbled(seen) or _garbled(term):
        raise invalid("term", f"the term {_shown(term)} was decoded wrongly; send it in UTF-8, from its source")
    slug = term_slug(term)
    if not any(unicodedata.category(character)[0] in "LN" for character in slug):
        raise invalid("term", f"the term {_shown(term)} has no letter or digit")
    if len(slug) > MAX_TERM_SLUG_LENGTH:
        raise invalid("term", f"the term {_shown(term)} makes a slug longer than {MAX_TERM_SLUG_LENGTH} characters")
    if _ambiguous(slug):
        raise invalid("term", f"the term {_shown(term)} holds a “vs” of its own, which would make its slug ambiguous")
    return term


def term_slug(term: str) -> str:
    """The slug form of one term; empty when nothing of it can stay. Idempotent."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", term).casefold())
    spelled = folded.translate(_SPELLED)
    kept = "".join(
        c if c == "-" or unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else "" for c in spelled
    )
    # A mark may now follow a letter from which it was separated.
    return re.sub(r"[-\s]+", "-", unicodedata.normalize("NFKC", kept)).strip("-")


def pair_terms(first: str, second: str) -> tuple[str, str]:
    """Two cleaned terms in slug order. Raises WarmcastError if they are the same."""
    a, b = clean_term(first), clean_term(second)
    if term_slug(a) == term_slug(b):
        raise invalid("term", f"the terms {_shown(a)} and {_shown(b)} are the same; a comparison needs two")
    return (a, b) if term_slug(a) < term_slug(b) else (b, a)


def pair_slug(term_a: str, term_b: str) -> str:
    """The canonical slug of two terms, in any order."""
    return "-vs-".join(sorted((term_slug(term_a), term_slug(term_b))))


def canonical_slug(text: str) -> str:
    """The canonical form of a slug as typed: `Costco-vs-Amazon` is `amazon-vs-costco`."""
    if is_longer(text, MAX_SLUG_LENGTH):
        raise invalid("slug", f"the slug {_shown(text)} is too long to name two terms")
    first, _, second = term_slug(text).partition("-vs-")
    if not first or not second or _ambiguous(second):
        raise invalid("slug", f"the slug {_shown(text)} does not name two terms; expected the form amazon-vs-costco")
    if max(len(first), len(second)) > MAX_TERM_SLUG_LENGTH:
        raise invalid("slug", f"the slug {_shown(text)} names a term longer than {MAX_TERM_SLUG_LENGTH} characters")
    if first == second:
        raise invalid("slug", f"the slug {_shown(text)} names one term twice; a comparison needs two")
    return "-vs-".join(sorted((first, second)))


def same_term(one: str, other: str) -> bool:
    """Whether two spellings name one term: case, accents and spacing aside."""
    return _bare(one) == _bare(other)


def is_longer(text: str, limit: int) -> bool:
    """Whether its NFKC form has more characters, about.

    Found piece by piece: a character can become 18, and ordering many accents of one letter takes quadratic time.
    """
    length = 0
    for at in range(0, len(text), _PIECE):
        length += len(unicodedata.normalize("NFKC", text[at : at + _PIECE]))
        if length > limit:
            return True
    return False


def invalid(field: str, detail: str) -> WarmcastError:
    """The error for one bad parameter, named."""
    return WarmcastError(INVALID_ARGUMENT, detail, fields=((field, detail),))


def _garbled(text: str) -> bool:
    """Whether it holds what a decoder puts for bytes that it cannot read, or is UTF-8 read as another charset."""
    return "\ufffd" in text or any(_saved(text, charset) >= least for charset, least in _MISREAD_AS)


def _saved(text: str, charset: str) -> int:
    """How many letters fewer it would have, had its bytes been read as UTF-8; 0 where they are none."""
    try:
        return len(text) - len(text.encode(charset).decode("utf-8"))
    except UnicodeError:
        return 0


def _ambiguous(slug: str) -> bool:
    # A `vs` at the end counts: a-vs + b and a + vs-b would both be a-vs-vs-b. One at the start (“vs code”) does not:
    # the first -vs- of a slug is then always the one between its terms.
    return "-vs-" in f"{slug}-"


def _bare(term: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", term).casefold())
    return "".join(c for c in decomposed if not _is_accent(c) and not c.isspace() and c != "-")


def _is_accent(character: str) -> bool:
    mark = unicodedata.combining(character)
    return mark != 0 and mark not in _LETTER_MARKS


def _shown(text: str) -> str:
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"
