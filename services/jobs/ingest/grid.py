"""Regular periods: which step a column of dates has, where its gaps are, and how short ones are filled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from services.common.comparison import Step
from services.jobs.ingest.limits import MAX_LINES, check_minimum, unreadable

# A straight line over up to three periods is a fair guess at what stood there, over more it is an invention.
# Nor may more than a tenth of a series be guessed (one period always may).
MAX_GAP = 3
MAX_FILLED_SHARE = 0.1

_FIXED = {Step.HOURLY: timedelta(hours=1), Step.DAILY: timedelta(days=1), Step.WEEKLY: timedelta(days=7)}
_PERIOD = {Step.HOURLY: "hour", Step.DAILY: "day", Step.WEEKLY: "week", Step.MONTHLY: "month"}


@dataclass(frozen=True)
class Grid:
    """Where each date of a column stands among regular periods."""

    step: Step
    times: tuple[datetime, ...]  # every period's start, the missing ones included
    positions: tuple[int, ...]  # one per date: its index in `times`

    @property
    def missing(self) -> int:
        """How many periods have no date."""
        return len(self.times) - len(self.positions)

    def newest(self, most: int) -> tuple[Grid, int]:
        """The grid of at most that many of the newest periods, and how many of its dates come before them."""
        before = bisect_left(self.positions, len(self.times) - most)
        start = self.positions[before]
        return Grid(self.step, self.times[start:], tuple(at - start for at in self.positions[before:])), before


def lay_out(times: Sequence[datetime], labels: Sequence[str], source: str) -> Grid:
    """The grid that the dates lie on, hourly, daily, weekly or monthly.

    `labels` say where each date stands ("line 7"). Raises WarmcastError for dates that are unsorted, there twice, of
    no regular step, or too far apart to fill what is missing; the error names the place.
    """
    check_minimum(source, len(times))
    for index in range(1, len(times)):
        if times[index] == times[index - 1]:
            hours = len({time.time() for time in times}) > 1
            raise unreadable(
                f"{source}: duplicate dates: {labels[index - 1]} and {labels[index]} both say {_day(times[index])}"
                + ("; where clocks were set back, write hours with their offset, as +01:00" if hours else "")
            )
        if times[index] < times[index - 1]:
            raise unreadable(
                f"{source}: unsorted dates: {labels[index]} says {_day(times[index])}, after {_day(times[index - 1])}"
            )
    step = _step(times, source)
    positions = tuple(_position(times[0], time, step) for time in times)
    for index in range(1, len(times)):
        absent = positions[index] - positions[index - 1] - 1
        if absent > MAX_GAP:
            raise unreadable(
                f"{source}: {absent} {_PERIOD[step]}s are missing before {labels[index]} ({_day(times[index])}); "
                f"gaps of up to {MAX_GAP} are filled, longer ones are not"
            )
    size = positions[-1] + 1
    _check_share(size - len(times), size, f"{source}: {_PERIOD[step]}s")
    return Grid(step, tuple(period_start(times[0], step, index) for index in range(size)), positions)


def fill(
    grid: Grid, cells: Sequence[float | None], labels: Sequence[str], source: str
) -> tuple[tuple[float, ...], int]:
    """One column on the grid, gaps filled by straight lines, and how many of its own cells were empty.

    Raises WarmcastError, naming the place, where the column begins or ends empty or too much of it is.
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
                f"gaps of up to {MAX_GAP} are filled, longer ones are not"
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
    raise unreadable(
        f"{source}: the dates have no regular step: {_day(times[odd])} to {_day(times[odd + 1])} is {gaps[odd]}"
        + (f" where the first step is {gaps[0]}" if odd else "")
        + "; hours, days, weeks or months must follow one another"
    )


def _position(first: datetime, time: datetime, step: Step) -> int:
    if step in _FIXED:
        return (time - first) // _FIXED[step]
    return 12 * (time.year - first.year) + time.month - first.month


def _check_share(filled: int, size: int, what: str) -> None:
    if filled > max(1, int(size * MAX_FILLED_SHARE)):
        raise unreadable(f"{what} are missing: {filled} of {size}; no more than a tenth may be filled")


def _day(time: datetime) -> str:
    return time.strftime("%Y-%m-%d" if (time.hour, time.minute, time.second) == (0, 0, 0) else "%Y-%m-%dT%H:%M:%S")
