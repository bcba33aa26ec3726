"""Builds regular periods from a column of dates: chooses the reading, the direction and the rows to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise

from services.common.comparison import Step
from services.common.errors import WarmcastError
from services.jobs.ingest.dates.clock_changes import zones_repeating, zones_skipping
from services.jobs.ingest.dates.column import Column, first_unreadable, looks_like_date, period_starts, possible_columns
from services.jobs.ingest.dates.text import LOCAL
from services.jobs.ingest.grid import Grid, build_grid
from services.jobs.ingest.limits import MAX_POINTS, check_minimum, quoted, unreadable
from services.jobs.ingest.table import (
    MISSING_PERIOD,
    MONTH_END,
    NEWEST_FIRST,
    OLD_PERIODS,
    REPEATED_HOUR,
    SKIPPED_HOUR,
    counted,
)

_LATEST_CHANGE_HOUR = 4  # clocks change in the first hours of a day
_MAX_CHECKED_HOURS = 24  # checking hundreds of missing hours in all zones takes seconds
_DAY_ENDS = {time(0), time(23, 59), time(23, 59, 59)}  # the end of a day as written


@dataclass(frozen=True)
class Periods:
    """The periods of a column of dates."""

    grid: Grid
    kept: tuple[int, ...]  # the rows to keep, oldest first; one for each position of the grid
    cleaned: Mapping[str, int]


def read_periods(cells: Sequence[str], labels: Sequence[str], source: str) -> Periods:
    """The periods under the only reading of the dates that gives regular steps.

    `labels` are the positions of the dates for messages ("line 7"). Raises WarmcastError that names the position, or
    the readings if several are regular.
    """
    check_minimum(source, len(cells))
    found: list[tuple[Column, Periods]] = []
    failures: list[WarmcastError] = []
    for column in possible_columns(cells):
        if column.epoch and column.whole_days and column.times[0].time() != time(0):
            raise unreadable(
                f"{source}: {labels[0]}: {quoted(cells[0])} is {column.times[0]:%Y-%m-%dT%H:%M} in UTC, and "
                "its day depends on the time zone; write dates as 2024-01-31"
            )
        try:
            found.append((column, _periods(column.times, labels, source)))
        except WarmcastError as error:
            failures.append(error)
    if len({periods.grid.times for _, periods in found}) > 1:
        one, other = _describe_two(found)
        raise unreadable(
            f"{source}: the dates, {quoted(cells[0])} and following, can be read as {one} or as {other}; "
            "write them as 2024-01-31"
        )
    if found:
        return found[0][1]
    if failures:
        raise failures[0]
    for cell, label in zip(cells, labels, strict=True):
        if not looks_like_date(cell):
            raise unreadable(f"{source}: {label}: {quoted(cell)} is not a date; write it as 2024-01-31")
    odd = first_unreadable(cells)
    raise unreadable(
        f"{source}: {labels[odd]}: {quoted(cells[odd])} is not a date of the same form as the others; "
        "write dates as 2024-01-31"
    )


def _periods(times: Sequence[datetime], labels: Sequence[str], source: str) -> Periods:
    cleaned = Counter[str]()
    kept = list(range(len(times)))
    if times[0] > times[-1] and all(later <= earlier for earlier, later in pairwise(times)):
        kept.reverse()
        cleaned[NEWEST_FIRST] = 1
    written = [times[row] for row in kept]
    starts = period_starts(written)
    if _are_month_ends(starts, written):
        starts = tuple(start.replace(day=1) for start in starts)
        cleaned[MONTH_END] = len(starts)
    # An hour without an offset may be local time, with clock changes.
    local = _are_local_hours(written)
    zones = _zones_of_repeats(starts) if local else None
    if zones:
        repeated = {at for at in range(1, len(starts)) if starts[at] == starts[at - 1]}
        cleaned[REPEATED_HOUR] = len(repeated)
        kept = [row for at, row in enumerate(kept) if at not in repeated]
        starts = tuple(start for at, start in enumerate(starts) if at not in repeated)
    whole = build_grid(starts, [labels[row] for row in kept], source)
    grid, old = whole.newest(MAX_POINTS)
    skipped = _count_skipped(grid, zones) if local and grid.step is Step.HOURLY else 0
    cleaned.update({SKIPPED_HOUR: skipped, MISSING_PERIOD: grid.missing - skipped})
    cleaned[OLD_PERIODS] = len(whole.times) - len(grid.times)
    return Periods(grid, tuple(kept[old:]), counted(cleaned))


def _are_month_ends(starts: Sequence[datetime], written: Sequence[datetime]) -> bool:
    months = [12 * start.year + start.month for start in starts]
    return (
        all((start + timedelta(days=1)).day == 1 for start in starts)
        and all(moment.time() in _DAY_ENDS for moment in written)
        and min(later - earlier for earlier, later in pairwise(months)) == 1
    )


def _are_local_hours(written: Sequence[datetime]) -> bool:
    return all(moment.tzinfo is LOCAL for moment in written) and len({moment.time() for moment in written}) > 1


def _zones_of_repeats(starts: Sequence[datetime]) -> frozenset[str] | None:
    """The zones in which each duplicate hour does occur twice; None without duplicate hours."""
    common: frozenset[str] | None = None
    for hour, count in Counter(starts).items():
        if count > 1:
            zones = zones_repeating(hour) if count == 2 else frozenset[str]()
            common = zones if common is None else common & zones
            if not common:  # stop here: thousands of duplicates would take minutes
                return common
    return common


def _count_skipped(grid: Grid, zones: frozenset[str] | None) -> int:
    """The number of missing hours that clocks skip, all in one zone."""
    skipped, present = 0, set(grid.positions)
    absent = [hour for at, hour in enumerate(grid.times) if at not in present and hour.hour < _LATEST_CHANGE_HOUR]
    for hour in absent if len(absent) <= _MAX_CHECKED_HOURS else ():
        skipping = zones_skipping(hour)
        common = skipping if zones is None else skipping & zones
        if common:
            zones, skipped = common, skipped + 1
    return skipped


def _describe_two(found: Sequence[tuple[Column, Periods]]) -> list[str]:
    """Describes the first reading and one with other times: step, first and last date, order or language."""
    column, periods = found[0]
    other = next(pair for pair in found if pair[1].grid.times != periods.grid.times)
    differ_by_language = column.language != other[0].language
    return [
        f"{grid.step} from {grid.times[0]:%Y-%m-%d} to {grid.times[-1]:%Y-%m-%d} "
        f"({column.language if differ_by_language else column.order})"
        for column, grid in ((column, periods.grid) for column, periods in (found[0], other))
    ]
