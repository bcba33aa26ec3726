"""Regular periods: finds the step of a column of dates and its gaps, and fills short gaps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from services.common.comparison import Step
from services.jobs.ingest.limits import MAX_LINES, check_minimum, unreadable

# With more or longer gaps, interpolated values would be a relevant part of the data. One period may always be filled.
MAX_GAP = 3
MAX_FILLED_SHARE = 0.1

_FIXED = {Step.HOURLY: timedelta(hours=1), Step.DAILY: timedelta(days=1), Step.WEEKLY: timedelta(days=7)}
_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
_PERIOD = {Step.HOURLY: "hour", Step.DAILY: "day", Step.WEEKLY: "week", Step.MONTHLY: "month"}


@dataclass(frozen=True)
class Grid:
    """The position of each date of a column among regular periods."""

    step: Step
    times: tuple[datetime, ...]  # the start of each period, missing ones included
    positions: tuple[int, ...]  # one per date: its index in `times`

    @property
    def missing(self) -> int:
        """The number of periods without a date."""
        return len(self.times) - len(self.positions)

    def newest(self, limit: int) -> tuple[Grid, int]:
        """The grid of at most `limit` newest periods, and the number of dates before them."""
        before = bisect_left(self.positions, len(self.times) - limit)
        start = self.positions[before]
        return Grid(self.step, self.times[start:], tuple(at - start for at in self.positions[before:])), before


def build_grid(times: Sequence[datetime], labels: Sequence[str], source: str) -> Grid:
    """The hourly, daily, weekly or monthly grid of the dates.

    `labels` are the positions of the dates for messages ("line 7"). Raises WarmcastError that names the position if
    dates are unsorted, duplicate, without a regular step, or with a gap above MAX_GAP.
    """
    check_minimum(source, len(times))
    for index in range(1, len(times)):
        if times[index] == times[index - 1]:
            hours = len({time.time() for time in times}) > 1
            raise unreadable(
                f"{source}: duplicate dates: {labels[index - 1]} and {labels[index]} are both {_day(times[index])}"
                + ("; if clocks were set back then, write hours with their offset, such as +01:00" if hours else "")
            )
        if times[index] < times[index - 1]:
            raise unreadable(
                f"{source}: unsorted dates: {labels[index]} ({_day(times[index])}) is after {_day(times[index - 1])}"
            )
    step = _step(times, source)
    positions = tuple(_position(times[0], time, step) for time in times)
    for index in range(1, len(times)):
        absent = positions[index] - positions[index - 1] - 1
        if absent > MAX_GAP:
            raise unreadable(
                f"{source}: {absent} {_PERIOD[step]}s are missing before {labels[index]} ({_day(times[index])}); "
                f"only gaps of up to {MAX_GAP} are filled"
            )
    size = positions[-1] + 1
    _check_share(size - len(times), size, f"{source}: {_PERIOD[step]}s")
    return Grid(step, tuple(period_start(times[0], step, index) for index in range(size)), positions)


def fill_gaps(
    grid: Grid, cells: Sequence[float | None], labels: Sequence[str], source: str
) -> tuple[tuple[float, ...], int]:
    """One column on the grid with gaps filled by linear interpolation, and the number of its empty cells.

    Raises WarmcastError that names the position if the first or last cell is empty, or too many are.
    """
    if cells[0] is None or cells[-1] is None:
        label = labels[0] if cells[0] is None else labels[-1]
        raise unreadable(f"{source}: {label} is empty; a series must not begin or end with an empty cell")
    known = [(at, cell) for at, cell in zip(grid.positions, cells, strict=True) if cell is not None]
    values = [0.0] * len(grid.times)
    values[known[0][0]] = known[0][1]
    for (left, before), (right, after) in pairwise(known):
        if right - left - 1 > MAX_GAP:
            raise unreadable(
                f"{source}: {right - left - 1} {_PERIOD[grid.step]}s are empty after {_day(grid.times[left])}; "
                f"only gaps of up to {MAX_GAP} are filled"
            )
        for at in range(left + 1, right + 1):
            values[at] = round(before + (after - before) * (at - left) / (right - left), 4)
    _check_share(len(values) - len(known), len(values), f"{source}: {_PERIOD[grid.step]}s")
    return tuple(values), len(cells) - len(known)


def period_start(first: datetime, step: Step, index: int) -> datetime:
    """The start of the period `index` steps after the one that starts at `first`."""
    if step in _FIXED:
        return first + index * _FIXED[step]
    years, month = divmod(first.month - 1 + index, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _step(times: Sequence[datetime], source: str) -> Step:
    gaps = [later - earlier for earlier, later in pairwise(times)]
    for step, length in _FIXED.items():
        if min(gaps) == length and not any(gap % length for gap in gaps):
            return step
    starts = {(time.day, time.hour, time.minute, time.second) for time in times}
    if len(starts) == 1 and times[0].day <= 28 and _position(times[0], times[-1], Step.MONTHLY) < MAX_LINES:
        months = [_position(times[0], time, Step.MONTHLY) for time in times]
        if min(later - earlier for earlier, later in pairwise(months)) == 1:
            return Step.MONTHLY
    odd = next((index for index, gap in enumerate(gaps) if gap != gaps[0]), 0)
    start, end = _day(times[odd]), _day(times[odd + 1])
    raise unreadable(
        f"{source}: the dates have no regular step: {start} to {end} is {_length(gaps[odd])}"
        + (f", but the first step is {_length(gaps[0])}" if odd else "")
        + "; dates must be hourly, daily, weekly or monthly"
    )


def _length(gap: timedelta) -> str:
    """A gap in the largest unit of which it is a whole number: `6 days`, `1 hour`."""
    for unit, length in _UNITS.items():
        if not gap % length:
            return f"{gap // length:,} {unit}{'' if gap == length else 's'}"
    return f"{gap.total_seconds():g} seconds"


def _position(first: datetime, time: datetime, step: Step) -> int:
    if step in _FIXED:
        return (time - first) // _FIXED[step]
    return 12 * (time.year - first.year) + time.month - first.month


def _check_share(filled: int, size: int, what: str) -> None:
    if filled > max(1, int(size * MAX_FILLED_SHARE)):
        raise unreadable(f"{what} are missing: {filled} of {size}; at most a tenth may be filled")


def _day(time: datetime) -> str:
    return time.strftime("%Y-%m-%d" if (time.hour, time.minute, time.second) == (0, 0, 0) else "%Y-%m-%dT%H:%M:%S")
