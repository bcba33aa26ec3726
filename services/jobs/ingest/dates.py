"""Dates as people write them. Whether 3/4 is in March or April is for the whole column to say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone

_MAX_LENGTH = 60
_YEARS = range(1900, 2101)
_CLOCK = r"(?:[T ](?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.0{1,9})?)?)?)?"
_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2})" + _CLOCK + r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_NUMERIC = re.compile(r"(?P<one>\d{1,4})(?P<mark>[/.-])(?P<two>\d{1,2})(?P=mark)(?P<three>\d{1,4})" + _CLOCK, re.ASCII)
_NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})[-/ ])?(?P<name>[A-Za-z]{3,9})\.?[-/ ](?:(?P<late_day>\d{1,2}), ?)?(?P<year>\d{4}|\d{2})",
    re.ASCII,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

Reader = Callable[[str], datetime | None]


def looks_like_date(text: str) -> bool:
    """Whether some reader knows this as a date."""
    return any(read(text) is not None for read in READERS)


def possible_columns(cells: Sequence[str]) -> list[tuple[datetime, ...]]:
    """Every way to read the whole column, one reader for all of its cells. UTC-aware; distinct; empty if none can."""
    columns: list[tuple[datetime, ...]] = []
    for read in READERS:
        times = period_starts([time for time in map(read, cells) if time is not None])
        if len(times) == len(cells) and times not in columns:
            columns.append(times)
    return columns


def period_starts(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """In UTC, as read from one series, each with the offset that it was written with.

    Where the time of day is always the same, periods are days or longer. Of those the date counts, as it was written:
    midnight in Berlin is no day earlier than midnight in London.
    """
    if len({time.time() for time in times}) == 1:
        return tuple(time.replace(hour=0, minute=0, second=0, tzinfo=UTC) for time in times)
    return tuple(time.astimezone(UTC) for time in times)


def first_unlike(cells: Sequence[str]) -> int:
    """The index of the cell that keeps the column from being read by the reader that knows most of it."""
    misses = [[index for index, cell in enumerate(cells) if read(cell) is None] for read in READERS]
    return min(misses, key=len)[0]


def read_iso(text: str) -> datetime | None:
    """2024-01, 2024-01-07, 2024-01-07T05 and on to a zone; of a range `2004-01-04 - 2004-01-10`, its start.

    With the offset as written, else UTC: period_starts says what a series of them means.
    """
    start, _, end = text.partition(" - ")
    match = _match(_ISO, start.strip())
    if match is None or (end and not _match(_ISO, end.strip())):
        return None
    return _moment(match, int(match["year"]), int(match["month"]), int(match["day"] or 1), match["zone"])


def _read_year_first(text: str) -> datetime | None:
    match = _match(_NUMERIC, text)
    if match is None or len(match["one"]) != 4:
        return None
    return _moment(match, int(match["one"]), int(match["two"]), int(match["three"]))


def _read_month_first(text: str) -> datetime | None:
    match = _match(_NUMERIC, text)
    # Nobody writes the month first with points between.
    if match is None or len(match["one"]) > 2 or match["mark"] == ".":
        return None
    return _moment(match, _full_year(match["three"]), int(match["one"]), int(match["two"]))


def _read_day_first(text: str) -> datetime | None:
    match = _match(_NUMERIC, text)
    if match is None or len(match["one"]) > 2:
        return None
    return _moment(match, _full_year(match["three"]), int(match["two"]), int(match["one"]))


def _read_named(text: str) -> datetime | None:
    match = _match(_NAMED, text)
    if match is None or (match["day"] and match["late_day"]):
        return None
    name = match["name"].lower()
    for number, month in enumerate(_MONTHS, start=1):
        if name == month or name == month[:3] or (name == "sept" and number == 9):
            day = int(match["day"] or match["late_day"] or 1)
            return _moment(None, _full_year(match["year"]), number, day)
    return None


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return pattern.fullmatch(text) if len(text) <= _MAX_LENGTH else None


def _full_year(digits: str) -> int:
    # Google's data begin in 2004, so two digits are of this century; three digits are no year.
    return 2000 + int(digits) if len(digits) == 2 else int(digits) if len(digits) == 4 else 0


def _moment(match: re.Match[str] | None, year: int, month: int, day: int, zone: str | None = None) -> datetime | None:
    if year not in _YEARS:
        return None
    clock = {} if match is None else match.groupdict()
    hour, minute, second = (int(clock.get(part) or 0) for part in ("hour", "minute", "second"))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=_offset(zone))
    except ValueError:
        return None


def _offset(zone: str | None) -> timezone:
    if zone is None or zone == "Z":
        return UTC
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-size if zone[0] == "-" else size)


READERS: tuple[Reader, ...] = (read_iso, _read_year_first, _read_month_first, _read_day_first, _read_named)
