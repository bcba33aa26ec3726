"""Shares by week, in percent, against what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.pages.charts.drawing.axes import Box, time_axis, value_axis
from services.gateway.pages.charts.drawing.legend import names_above
from services.gateway.pages.charts.drawing.path import Position, line_path
from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.drawing.time_ticks import time_ticks
from services.gateway.pages.charts.drawing.times import DAY, epoch_seconds
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations.percents import axis_start, percent_ticks

_WIDTH, _HEIGHT, _NARROW_WIDTH = 540.0, 220.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 54.0, 14.0, 36.0, 28.0
_SIZE = 12.5


@dataclass(frozen=True)
class Shares:
    """One share by week."""

    role: Role
    name: str
    percents: Sequence[float | None]  # None where nothing was scored
    said: float | None = None  # percent that it should be


def weekly_shares_chart(
    shares: Sequence[Shares], weeks: Sequence[str], *, id_: str, title: str, narrow: bool = False
) -> Markup:
    """A line for each share. `weeks` are the ISO dates of all Mondays in order.

    Raises ValueError for fewer than two weeks, or where the lengths differ.
    """
    if len(weeks) < 2 or any(len(each.percents) != len(weeks) for each in shares):
        raise ValueError("a chart of shares needs at least two weeks, and one share for each")
    width = _NARROW_WIDTH if narrow else _WIDTH
    box = Box(_LEFT, _TOP, width - _RIGHT, _HEIGHT - _BOTTOM)
    times = [epoch_seconds(week) for week in weeks]
    x = Scale(times[0], times[-1], box.left, box.right)
    known = [percent for each in shares for percent in each.percents if percent is not None]
    y = Scale(axis_start(known), 100, box.bottom, box.top)
    return image(
        value_axis(box, y, percent_ticks(y.low), lambda tick: f"{tick:g} %"),
        *(_said(each, box, y) for each in shares),
        *(_line(each, times, x, y) for each in shares),
        names_above([(each.role, each.name) for each in shares], box, _SIZE, bars=False),
        time_axis(box, time_ticks(x, _SIZE, shortest=7 * DAY, width=width), _SIZE),
        id_=id_,
        kind="weekly",
        width=width,
        height=_HEIGHT,
        title=title,
        desc=" ".join(_words(each) for each in shares),
        font_size=_SIZE,
    )


def _said(each: Shares, box: Box, y: Scale) -> Markup | None:
    if each.said is None:
        return None
    return element(
        "path", class_=f"said {each.role}", d=f"M{number(box.left)} {number(y(each.said))}H{number(box.right)}"
    )


def _line(each: Shares, times: Sequence[int], x: Scale, y: Scale) -> Markup:
    places: list[Position | None] = [
        None if percent is None else (x(time), y(percent)) for time, percent in zip(times, each.percents, strict=True)
    ]
    # A dot for each week, because a week between two without scores has no line.
    dots = [element("circle", cx=place[0], cy=place[1], r=2.4) for place in places if place]
    return join(
        element("path", class_=f"line {each.role}", d=line_path(places)),
        element("g", *dots, class_=f"weeks {each.role}"),
    )


def _words(each: Shares) -> str:
    known = [percent for percent in each.percents if percent is not None]
    if not known:
        return f"{each.name}: unknown."
    said = f", said {each.said:g} %" if each.said is not None else ""
    return f"{each.name}{said}: {min(known):.0f} to {max(known):.0f} %, last {known[-1]:.0f} %."
