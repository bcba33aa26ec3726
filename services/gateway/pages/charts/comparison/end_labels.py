"""The terms' names at the right of the plot, level with the ends of their lines, apart where they would overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.pages.charts.comparison.layout import LABEL_GAP, Layout
from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.svg import Markup, element, join, number
from services.gateway.pages.charts.drawing.typeface import shorten
from services.gateway.pages.charts.inputs import Role

_LINE_GAP = 4.0  # between the name and its figure
_BLOCK_GAP = 8.0  # between two labels
_NEAR = 3.0  # a label that is moved by less needs no leader


@dataclass(frozen=True)
class End:
    """The end of a term's line, and what is written there."""

    role: Role
    x: float
    y: float
    name: str
    figure: str


def end_labels(ends: Sequence[End], box: Box, layout: Layout) -> Markup:
    """A name, the figure below it, and a short line to the end that they belong to, if it is at the plot's edge.

    No line crosses the space of a forecast that is not there: it would read as one.
    """
    above = layout.label_size / 2  # from the middle of the name, which is wanted at the line's end
    below = above + _LINE_GAP + layout.font_size
    middles = spread([end.y for end in ends], above + below + _BLOCK_GAP, box.top + above, box.bottom - below)
    return join(*(_label(end, middle, box, layout) for end, middle in zip(ends, middles, strict=True)))


def spread(wanted: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """At most two positions near the wanted ones, `distance` apart and within `low` to `high`."""
    inside = [min(max(each, low), high) for each in wanted]
    if len(inside) < 2 or abs(inside[0] - inside[1]) >= distance:
        return inside
    middle = min(max(sum(inside) / 2, low + distance / 2), high - distance / 2)
    # On a tie the later term is above, as its line is drawn on top.
    first_is_above = wanted[0] < wanted[1]
    offset = -distance / 2 if first_is_above else distance / 2
    return [middle + offset, middle - offset]


def _label(end: End, middle: float, box: Box, layout: Layout) -> Markup:
    x = box.right + LABEL_GAP
    baseline = middle + 0.35 * layout.label_size
    name = shorten(end.name, layout.width - x, layout.label_size, bold=True)
    return element(
        "g",
        element("title", end.name) if name != end.name else None,
        _leader(end, middle) if abs(middle - end.y) > _NEAR and box.right - end.x < LABEL_GAP else None,
        element("text", name, class_=f"end {end.role}", x=x, y=baseline, font_size=layout.label_size),
        element("text", end.figure, class_="figure", x=x, y=baseline + _LINE_GAP + layout.font_size),
        class_="label",
    )


def _leader(end: End, middle: float) -> Markup:
    left, right = end.x + 2, end.x + LABEL_GAP - 3
    turn, start, stop = (left + right) / 2, number(end.y), number(middle)
    curve = f"C{number(turn)} {start} {number(turn)} {stop} {number(right)} {stop}"
    return element("path", class_=f"leader {end.role}", d=f"M{number(left)} {start}{curve}")
