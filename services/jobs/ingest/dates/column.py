"""Parses a column of dates. Only the whole column can decide whether 3/4 is in March or April."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from services.jobs.ingest.dates.reading import LONGEST_RANGE, ORDERS, YEARS, Reading
from services.jobs.ingest.dates.text import Parts, offset, tokenize
from services.jobs.ingest.dates.words import Language, languages_knowing

_ZONE = r"(?: ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.(?:0{1,9}|9{1,9}))?)?)?)?"
    + _ZONE
    + ")?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2}))?)?" + _ZONE + ")?", re.ASCII)
_EPOCH = re.compile(r"(\d{10})(?:0{3}|0{6}|0{9})?(?:\.0{1,9})?", re.ASCII)  # in seconds, milliseconds and so on


@dataclass(frozen=True)
class Column:
    """A column of dates under one reading."""

    times: tuple[datetime, ...]  # each with its written offset, LOCAL if none
    order: str  # of year, month and day, for messages
    language: str = ""  # of the words, for messages
    epoch: bool = False  # the cells are Unix times, whose local zone is unknown

    @property
    def whole_days(self) -> bool:
        """Whether the time of day is always the same, so that the periods are days or longer."""
        return len({time.time() for time in self.times}) == 1


def looks_like_date(text: str) -> bool:
    """Whether the text is a date under any reading."""
    return _looks_like_date(text.strip())


def possible_columns(cells: Sequence[str]) -> list[Column]:
    """The column under each reading that fits all of its cells. The columns are distinct; empty if no reading fits."""
    for read in _PLAIN:
        times = _read_all(read, cells)
        if times:
            # These forms are unambiguous.
            return [Column(times, ORDERS["ymd"], epoch=read is _read_epoch)]
    columns: list[Column] = []
    alternatives = [tokenize(cell) for cell in cells]
    for reading in _readings(alternatives) if all(alternatives) else []:
        times = _read_all(reading.read, alternatives)
        if times and all(times != column.times for column in columns):
            columns.append(Column(times, ORDERS[reading.order], reading.language.name if reading.language else ""))
    return columns


def period_starts(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """The starts of the periods of one series, in UTC.

    If the time of day is always the same, periods are days or longer, and the date counts as written, whatever its
    offset. Hours are converted to UTC.
    """
    if len({time.time() for time in times}) == 1:
        return tuple(time.replace(hour=0, minute=0, second=0, tzinfo=UTC) for time in times)
    return tuple(time.astimezone(UTC) for time in times)


def first_unreadable(cells: Sequence[str]) -> int:
    """The index of the first cell that does not fit the reading that fits most cells."""
    alternatives = [tokenize(cell) for cell in cells]
    unreadable = [[at for at, cell in enumerate(cells) if read(cell) is None] for read in _PLAIN]
    for sample in (alternatives[0], alternatives[-1]):
        for reading in _readings([sample]):
            unreadable.append([at for at, alternative in enumerate(alternatives) if reading.read(alternative) is None])
    return min(unreadable, key=len)[0]


def _read_iso(text: str) -> datetime | None:
    first, dash, last = text.partition(" - ")  # older exports have both ends of a week
    start = _read_iso_moment(first)
    if not dash or start is None:
        return start
    end = _read_iso_moment(last)
    return start if end and start <= end <= start + LONGEST_RANGE else None


def _read_iso_moment(text: str) -> datetime | None:
    match = _ISO.fullmatch(text)
    return _moment(*match.groups()) if match else None


def _read_compact(text: str) -> datetime | None:
    match = _COMPACT.fullmatch(text)
    return _moment(*match.groups()) if match else None


def _read_epoch(text: str) -> datetime | None:
    match = _EPOCH.fullmatch(text)
    return datetime.fromtimestamp(int(match[1]), UTC) if match else None


_PLAIN: tuple[Callable[[str], datetime | None], ...] = (_read_iso, _read_compact, _read_epoch)


def _moment(year: str, month: str, day: str | None, *clock: str | None) -> datetime | None:
    zone = offset((clock[-1] or "").lower())
    hour, minute, second = (int(part or 0) for part in clock[:-1])
    if int(year) not in YEARS or zone is None:
        return None
    try:
        return datetime(int(year), int(month), int(day or 1), hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


_Cell = TypeVar("_Cell")


def _read_all(read: Callable[[_Cell], datetime | None], cells: Sequence[_Cell]) -> tuple[datetime, ...]:
    """The time of each cell; empty if any cell has none."""
    times = []
    for cell in cells:
        time = read(cell)
        if time is None:
            return ()
        times.append(time)
    return tuple(times)


def _readings(alternatives: Sequence[Sequence[Parts]]) -> list[Reading]:
    """Each order, in each language that knows all words of the column."""
    moments = [moment for cell in alternatives for moment in (cell[0] if cell else ())]
    known = {word for moment in moments for word in moment.words(optional=False)}
    with_optional = {word for moment in moments for word in moment.words(optional=True)} | known
    languages: Sequence[Language | None] = languages_knowing(with_optional) if with_optional else ()
    if not languages:
        languages = languages_knowing(known) if known else (None,)
    return [Reading(order, language) for language in languages for order in _orders(alternatives, language)]


def _orders(alternatives: Sequence[Sequence[Parts]], language: Language | None) -> Sequence[str]:
    """The orders to try. If each date names its month and has a four-digit year, all orders are equal."""
    for cell in alternatives:
        tokens = [token for moment in (cell[0] if cell else ()) for token in moment.tokens]
        if not any(language and not token.number and language.names_month(token.text) for token in tokens):
            return tuple(ORDERS)
        if not any(token.number and len(token.text) == 4 for token in tokens):
            return tuple(ORDERS)
    return ("dmy",)


@lru_cache(maxsize=8192)
def _looks_like_date(text: str) -> bool:
    if any(read(text) for read in _PLAIN):
        return True
    alternatives = tokenize(text)
    return bool(alternatives) and any(reading.read(alternatives) for reading in _readings([alternatives]))
