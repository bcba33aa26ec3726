"""Ticks of a time axis at years, months, days or hours, as many as stay readable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.times import DAY, moment, month_name
from services.gateway.pages.charts.drawing.typeface import text_width

_GAP = 16.0  # pixels between two labels
_MOST = 14  # ticks
_HOURS, _DAYS, _MONTHS = (1, 3, 6, 12), (1, 2, 3, 4, 7, 14), (1, 3, 6)
_YEARS = (1, 2, 5, 10, 20, 50, 100, 500, 1000)


@dataclass(frozen=True)
class Tick:
    """One tick, with its label and the centre and width of the label."""

    x: float
    label: str
    centre: float
    width: float

    @property
    def left(self) -> float:
        """The label's left edge."""
        return self.centre - self.width / 2

    @property
    def right(self) -> float:
        """The label's right edge."""
        return self.centre + self.width / 2


def time_ticks(scale: Scale, font_size: float, *, shortest: int, width: float) -> tuple[Tick, ...]:
    """The finest ticks whose labels keep a distance and fit into `width`. `shortest` is the data's step in seconds."""
    low, high = int(scale.low), int(scale.high)
    single: tuple[Tick, ...] = ()
    for seconds, times, labels in _candidates(hours=shortest < DAY):
        # Ticks between two values have no meaning.
        if seconds < shortest or (high - low) / seconds > _MOST:
            continue
        at = list(times(low, high))
        ticks = [
            _tick(scale(time), label, font_size, width)
            for time, label in zip(at, labels([moment(time) for time in at]), strict=True)
        ]
        if len(ticks) >= 2 and all(one.right + _GAP <= other.left for one, other in pairwise(ticks)):
            return tuple(ticks)
        single = single or tuple(ticks[:1])
    return single


Times = Callable[[int, int], Iterator[int]]
Labels = Callable[[list[datetime]], list[str]]


def _candidates(*, hours: bool) -> Iterator[tuple[int, Times, Labels]]:
    """From fine to coarse: the distance in seconds, the ticks of a span, and their labels."""
    if hours:
        for each in _HOURS:
            yield each * 3_600, _multiples(each * 3_600), _hour_labels
    for days in _DAYS:
        yield days * DAY, _from_first_day(days * DAY), _day_labels if hours else _day_labels_with_years
    for months in _MONTHS:
        yield months * 30 * DAY, _months(months), _month_labels
    for years in _YEARS:
        yield years * 365 * DAY, _months(12 * years), _year_labels


def _tick(x: float, label: str, font_size: float, width: float) -> Tick:
    half = text_width(label, font_size) / 2 + 0.1  # room for rounding
    return Tick(x, label, min(max(x, half), width - half), 2 * half)


def _multiples(seconds: int) -> Times:
    def times(low: int, high: int) -> Iterator[int]:
        return iter(range(-(-low // seconds) * seconds, high + 1, seconds))

    return times


def _from_first_day(seconds: int) -> Times:
    """Counted from the first midnight, so that weekly ticks are at weekly data."""

    def times(low: int, high: int) -> Iterator[int]:
        return iter(range(-(-low // DAY) * DAY, high + 1, seconds))

    return times


def _months(step: int) -> Times:
    def times(low: int, high: int) -> Iterator[int]:
        first, last = moment(low), moment(high)
        months = first.year * 12 + first.month - 1
        for month in range(-(-months // step) * step, last.year * 12 + last.month, step):
            time = int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp())
            if low <= time <= high:
                yield time

    return times


def _hour_labels(times: list[datetime]) -> list[str]:
    """The day at midnight, else the hour."""
    return [_day(time) if time.hour == 0 else f"{time:%H:%M}" for time in times]


def _day_labels(times: list[datetime]) -> list[str]:
    return [_day(time) for time in times]


def _day_labels_with_years(times: list[datetime]) -> list[str]:
    """The year at the first day of each year."""
    previous = [None, *times[:-1]]
    return [
        _day(time) if before and before.year == time.year else f"{_day(time)} {time.year}"
        for time, before in zip(times, previous, strict=True)
    ]


def _month_labels(times: list[datetime]) -> list[str]:
    """The year in place of January, or beside the first month where there is no January."""
    labels = [str(time.year) if time.month == 1 else month_name(time.month, short=True) for time in times]
    if times and all(time.month != 1 for time in times):
        labels[0] += f" {times[0].year}"
    return labels


def _year_labels(times: list[datetime]) -> list[str]:
    return [str(time.year) for time in times]


def _day(time: datetime) -> str:
    return f"{time.day} {month_name(time.month, short=True)}"
