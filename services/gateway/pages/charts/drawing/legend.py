"""Names above a plot, each beside a sample of its bar or line."""

from __future__ import annotations

from collections.abc import Sequence

from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.path import line_path
from services.gateway.pages.charts.drawing.svg import Markup, element
from services.gateway.pages.charts.drawing.typeface import shorten, text_width

_SAMPLE, _GAP, _BASELINE = 20.0, 8.0, 16.0


def names_above(names: Sequence[tuple[str, str]], box: Box, font_size: float, *, bars: bool) -> Markup:
    """The names in one row, shortened to the plot's width. Each is (class of its colour, name)."""
    room = box.width / len(names) - _SAMPLE - 2 * _GAP
    x = box.left
    parts: list[Markup] = []
    for role, full in names:
        name = shorten(full, room, font_size, bold=True)
        sample = (
            element("rect", x=x, y=_BASELINE - 10, width=_SAMPLE, height=11)
            if bars
            else element("path", d=line_path([(x, _BASELINE - 4), (x + _SAMPLE, _BASELINE - 4)]))
        )
        parts.append(element("g", sample, class_=f"{'bar' if bars else 'line'} {role}"))
        x += _SAMPLE + _GAP
        parts.append(element("text", name, class_=f"end {role}", x=x, y=_BASELINE))
        x += text_width(name, font_size, bold=True) + _GAP
    return element("g", *parts, class_="names")
