"""Sizes of the main chart, and the scales that follow from a comparison before its forecast is known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from services.common.comparison import Step
from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.path import Position
from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.times import end_of_horizon, epoch_seconds
from services.gateway.pages.charts.drawing.typeface import text_width
from services.gateway.pages.charts.inputs import Comparison, Role

# Periods that the narrow chart shows before the forecast: three to four horizons.
_RECENT = {Step.HOURLY: 120, Step.DAILY: 45, Step.WEEKLY: 78, Step.MONTHLY: 36}
# Upper ends of the value axis for terms that stay small; with four round steps each.
_CEILINGS = (8, 20, 40)
_TOP, _BOTTOM, _LEFT = 46.0, 28.0, 36.0
LABEL_GAP = 14.0  # between a line's end and its label, pixels


@dataclass(frozen=True)
class Layout:
    """A size of the chart, in pixels of its view box, for a container of about that width."""

    kind: str  # class name
    width: float
    height: float
    font_size: float
    label_size: float  # font size of the terms' names
    widest_label: float
    mark_labels: int  # at most
    recent: bool = False  # the recent past alone
    brief: bool = False  # short words


WIDE = Layout("wide", 1100, 420, font_size=12.5, label_size=15, widest_label=176, mark_labels=5)
MEDIUM = Layout("medium", 700, 380, font_size=12.5, label_size=14, widest_label=132, mark_labels=3)
NARROW = Layout(
    "narrow", 340, 320, font_size=12.5, label_size=13, widest_label=104, mark_labels=2, recent=True, brief=True
)
NARROW_ALL = replace(NARROW, recent=False)


def leaves_out_the_past(comparison: Comparison) -> bool:
    """Whether the narrow chart shows a part of the past alone."""
    return Frame(comparison, tuple(Role), NARROW).first > 0


@dataclass(frozen=True)
class Frame:
    """Where a comparison is drawn. It does not depend on the forecast's values, so nothing shifts when it arrives."""

    comparison: Comparison
    roles: tuple[Role, ...]
    layout: Layout

    @cached_property
    def times(self) -> list[int]:
        """Epoch seconds, one per date."""
        return [epoch_seconds(date) for date in self.comparison.dates]

    @cached_property
    def complete(self) -> int:
        """How many periods are complete."""
        return len(self.times) - self.comparison.partial_last_period

    @cached_property
    def first(self) -> int:
        """The index of the first period that is drawn."""
        return max(0, self.complete - _RECENT[self.comparison.step]) if self.layout.recent else 0

    @cached_property
    def box(self) -> Box:
        """The plot. The gutter at its right holds the terms' names."""
        layout = self.layout
        names = [self.comparison.term(role).name for role in self.roles]
        widest = max(text_width(name, layout.label_size, bold=True) for name in names)
        figures = text_width("100 · Sep 2026" if layout.brief else "100 · 30 Sep 2026", layout.font_size)
        gutter = min(max(widest, figures), layout.widest_label) + LABEL_GAP + 2
        return Box(_LEFT, _TOP, layout.width - gutter, layout.height - _BOTTOM)

    @cached_property
    def x(self) -> Scale:
        """Epoch seconds to pixels, up to the end of the horizon."""
        comparison = self.comparison
        end = end_of_horizon(self.times, self.times[self.complete - 1], comparison.step, comparison.horizon)
        for role in self.roles:
            if forecast := comparison.term(role).forecast:
                end = max(end, epoch_seconds(forecast[-1].date))
        return Scale(self.times[self.first], end, self.box.left, self.box.right)

    @cached_property
    def y(self) -> Scale:
        """Points to pixels: 0 to 100, or less where the whole history stays far below."""
        terms = (self.comparison.term(role).values for role in self.roles)
        return Scale(0, _ceiling(value for values in terms for value in values), self.box.bottom, self.box.top)

    def last_complete(self, role: Role, *, before: int) -> Position | None:
        """Where the last complete period before a time is, if its value is known."""
        index = bisect_left(self.times, before, hi=self.complete) - 1
        value = self.comparison.term(role).values[index] if index >= 0 else None
        return None if value is None else (self.x(self.times[index]), self.y(value))

    def value_at(self, role: Role, time: int) -> float | None:
        """The value of the period that holds a time, which must not be before the first."""
        return self.comparison.term(role).values[bisect_right(self.times, time) - 1]

    @property
    def now(self) -> float:
        """The pixel of the last period that has begun."""
        return self.x(self.times[-1])


def _ceiling(values: Iterable[float | None]) -> float:
    """Leaves as much room above the highest value as below it, since forecasts may exceed it."""
    highest = max((value for value in values if value is not None), default=100.0)
    return next((ceiling for ceiling in _CEILINGS if 2 * highest <= ceiling), 100)
