"""The margin B − A against zero: its past, its forecast with bands, and how often B leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from services.common.comparison import Step
from services.gateway.pages.charts.drawing.axes import Box, time_axis, value_axis
from services.gateway.pages.charts.drawing.path import Position, area_path, line_path
from services.gateway.pages.charts.drawing.scale import Scale, round_domain, round_ticks
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.drawing.time_ticks import time_ticks
from services.gateway.pages.charts.drawing.times import SECONDS, epoch_seconds
from services.gateway.pages.charts.drawing.typeface import isolated, shorten, text_width
from services.gateway.pages.charts.inputs import MarginPoint, Role
from services.gateway.pages.charts.words import HALF, futures_words, signed_tick, signed_words, when

_WIDTH, _HEIGHT, _NARROW_WIDTH = 540.0, 300.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 24.0, 28.0
_SIZE = 12.5
_STRIP = 26.0  # height of the strip of probabilities
_STRIP_GAP = 26.0  # above it, for its heading
_SMALLEST = 5.0  # points that the axis reaches at least, both ways


@dataclass(frozen=True)
class Margin:
    """B − A in points. Raises ValueError without a forecast."""

    name_a: str
    name_b: str
    step: Step
    points: Sequence[MarginPoint]
    past_dates: Sequence[str] = ()
    past: Sequence[float | None] = ()  # B − A, one per past date
    divider: str = "now"  # what the line between the past and the future is called

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError("a chart of the margin needs at least two periods of a forecast")
        if len(self.past) != len(self.past_dates):
            raise ValueError(f"{len(self.past)} past margins for {len(self.past_dates)} dates")

    def name(self, role: Role) -> str:
        """The name of a term."""
        return self.name_a if role is Role.A else self.name_b


def margin_chart(margin: Margin, *, id_: str, narrow: bool = False) -> Markup:
    """Above zero in B's colour, below in A's; under it, in how many of 100 simulated futures each leads."""
    plot = _Plot(margin, _NARROW_WIDTH if narrow else _WIDTH)
    box, x, y = plot.box, plot.x, plot.y
    ticks = time_ticks(x, _SIZE, shortest=SECONDS[margin.step], width=plot.width)
    return image(
        element("defs", *(_half(plot, role, id_) for role in Role)),
        element("rect", class_="future", x=plot.now, y=box.top, width=box.right - plot.now, height=box.height),
        value_axis(box, y, round_ticks(y.low, y.high, 4), signed_tick),
        *(_coloured(plot, role, id_) for role in Role),
        _side_names(plot),
        _now(plot),
        _probabilities(plot),
        time_axis(plot.strip, ticks, _SIZE),
        id_=id_,
        kind="margin",
        width=plot.width,
        height=_HEIGHT,
        title=_title(margin),
        desc=_description(margin),
        font_size=_SIZE,
        data_plot=" ".join(number(edge) for edge in (box.left, box.top, box.right, box.bottom)),
        data_time=f"{x.low:.0f} {x.high:.0f}",
        data_value=f"{y.low:g} {y.high:g}",
    )


@dataclass(frozen=True)
class _Plot:
    """Where a margin is drawn."""

    margin: Margin
    width: float

    @cached_property
    def box(self) -> Box:
        return Box(_LEFT, _TOP, self.width - _RIGHT, _HEIGHT - _BOTTOM - _STRIP - _STRIP_GAP)

    @cached_property
    def strip(self) -> Box:
        bottom = _HEIGHT - _BOTTOM
        return Box(_LEFT, bottom - _STRIP, self.box.right, bottom)

    @cached_property
    def past(self) -> list[tuple[int, float | None]]:
        """Time and margin of the drawn past, which is as long as the forecast."""
        drawn = len(self.margin.points)
        dates, values = self.margin.past_dates[-drawn:], self.margin.past[-drawn:]
        return [(epoch_seconds(date), value) for date, value in zip(dates, values, strict=True)]

    @cached_property
    def times(self) -> list[int]:
        return [epoch_seconds(point.date) for point in self.margin.points]

    @cached_property
    def x(self) -> Scale:
        start = self.past[0][0] if self.past else self.times[0]
        return Scale(min(start, self.times[0]), self.times[-1], self.box.left, self.box.right)

    @cached_property
    def y(self) -> Scale:
        points = self.margin.points
        known = [value for _, value in self.past if value is not None]
        low = min([-_SMALLEST, *known, *(point.lower95 for point in points)])
        high = max([_SMALLEST, *known, *(point.upper95 for point in points)])
        low, high = round_domain(low, high, 4)
        return Scale(low, high, self.box.bottom, self.box.top)

    @cached_property
    def now(self) -> float:
        return self.x(self.past[-1][0]) if self.past else self.x(self.times[0])

    @cached_property
    def start(self) -> list[Position]:
        """The last known margin before the forecast, where its bands begin."""
        before = [(time, value) for time, value in self.past if value is not None and time < self.times[0]]
        return [(self.x(time), self.y(value)) for time, value in before[-1:]]

    def along(self, values: Sequence[float]) -> list[Position]:
        """Positions of forecast values."""
        return self.start + [(self.x(time), self.y(value)) for time, value in zip(self.times, values, strict=True)]


def _half(plot: _Plot, role: Role, id_: str) -> Markup:
    """Clips to the half in which a term leads."""
    box, zero = plot.box, plot.y(0)
    top, bottom = (0.0, zero) if role is Role.B else (zero, box.bottom + 4)
    return element("clipPath", element("rect", x=0, y=top, width=plot.width, height=bottom - top), id=f"{id_}-{role}")


def _coloured(plot: _Plot, role: Role, id_: str) -> Markup:
    points = plot.margin.points
    past = [None if value is None else (plot.x(time), plot.y(value)) for time, value in plot.past]
    outer = area_path(plot.along([p.upper95 for p in points]), plot.along([p.lower95 for p in points]))
    inner = area_path(plot.along([p.upper80 for p in points]), plot.along([p.lower80 for p in points]))
    return element(
        "g",
        element("path", class_="band b95", d=outer),
        element("path", class_="band b80", d=inner),
        element("path", class_="line", d=line_path(past)) if past else None,
        element("path", class_="forecast", d=line_path(plot.along([point.value for point in points]))),
        class_=role,
        clip_path=f"url(#{id_}-{role})",
    )


def _side_names(plot: _Plot) -> Markup:
    """Who leads above zero, and who below."""
    return join(*(_side_name(plot, role) for role in Role))


def _side_name(plot: _Plot, role: Role) -> Markup:
    box = plot.box
    name = shorten(plot.margin.name(role), 0.55 * box.width, _SIZE, bold=True)
    return element(
        "text",
        element("tspan", name, class_=f"end {role}"),
        " leads",
        class_="side",
        x=box.left + 6,
        y=box.top + _SIZE + 2 if role is Role.B else box.bottom - 7,
    )


def _now(plot: _Plot) -> Markup | None:
    if not plot.past:
        return None
    x = number(plot.now)
    return join(
        element("path", class_="now", d=f"M{x} {number(plot.box.top)}V{number(plot.box.bottom)}"),
        element("text", plot.margin.divider, class_="nowlabel", x=plot.now, y=plot.box.top - 8, text_anchor="middle"),
    )


def _probabilities(plot: _Plot) -> Markup:
    """A column per period, divided as the simulated futures are, B above and A below as in the plot; a line at half."""
    strip = plot.strip
    middles = [plot.x(time) for time in plot.times]
    left = max(strip.left, middles[0] - (middles[1] - middles[0]) / 2)
    edges = [*((one + other) / 2 for one, other in pairwise(middles)), strip.right]
    share_of_b = Scale(0, 100, strip.top, strip.bottom)
    division = "".join(
        f"V{number(share_of_b(point.lead_probability))}H{number(edge)}"
        for point, edge in zip(plot.margin.points, edges, strict=True)
    )
    name, first, last = _likelier(plot.margin)
    shares = first if first == last else f"{first} → {last}"
    if shares == HALF:
        name = shown = "each term"
    else:
        name, shown = isolated(name), shorten(name, 0.4 * strip.width, _SIZE)
    words = f"{shown} leads in {shares} of 100 futures"
    return element(
        "g",
        element("title", f"{name} leads in {first} of 100 simulated futures at first, in {last} at last"),
        *(
            element("path", class_=f"share {role}", d=f"M{number(left)} {number(side)}{division}V{number(side)}z")
            for role, side in ((Role.B, strip.top), (Role.A, strip.bottom))
        ),
        element("path", class_="half", d=f"M{number(left)} {number(share_of_b(50))}H{number(strip.right)}"),
        element("text", words, x=min(left, strip.right - text_width(words, _SIZE)), y=strip.top - 6),
        class_="shares",
    )


def _likelier(margin: Margin) -> tuple[str, str, str]:
    """The term that more often leads at last, and in how many of 100 futures it leads at first and at last."""
    first, last = margin.points[0].lead_probability, margin.points[-1].lead_probability
    if last >= 50:
        return margin.name_b, futures_words(first), futures_words(last)
    return margin.name_a, futures_words(100 - first), futures_words(100 - last)


def _title(margin: Margin) -> str:
    return f"Margin of {isolated(margin.name_b)} over {isolated(margin.name_a)}"


def _description(margin: Margin) -> str:
    name_b = isolated(margin.name_b)
    first, last = (_point_words(point, margin.step, name_b) for point in (margin.points[0], margin.points[-1]))
    return f"{name_b} minus {isolated(margin.name_a)}, in points; above zero {name_b} leads. {first} {last}"


def _point_words(point: MarginPoint, step: Step, name_b: str) -> str:
    words = when(point.date, step)
    return (
        f"{words[0].upper()}{words[1:]}: {signed_words(point.value)}, "
        f"8 of 10 outcomes from {signed_words(point.lower80)} to {signed_words(point.upper80)}, "
        f"19 of 20 from {signed_words(point.lower95)} to {signed_words(point.upper95)}; "
        f"{name_b} leads in {futures_words(point.lead_probability)} of 100 futures."
    )
