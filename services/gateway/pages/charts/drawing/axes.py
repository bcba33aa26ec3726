"""The plot's box, and the two axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.svg import Markup, element, join, number
from services.gateway.pages.charts.drawing.time_ticks import Tick

_TICK = 5.0  # length of a tick, pixels


@dataclass(frozen=True)
class Box:
    """The area in which data are drawn, in pixels of the view box."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top


def value_axis(box: Box, scale: Scale, ticks: tuple[float, ...], words: Callable[[float], str]) -> Markup:
    """Grid lines with their values left of the plot."""
    lines = [
        element(
            "path",
            class_="zero" if tick == 0 else "grid",
            d=f"M{number(box.left)} {number(scale(tick))}H{number(box.right)}",
        )
        for tick in ticks
    ]
    labels = [element("text", words(tick), x=box.left - 8, y=scale(tick), dy=".35em") for tick in ticks]
    return join(*lines, element("g", *labels, class_="tick", text_anchor="end"))


def time_axis(box: Box, ticks: tuple[Tick, ...], font_size: float) -> Markup:
    """Ticks below the plot with their labels."""
    lines = "".join(f"M{number(tick.x)} {number(box.bottom)}v{number(_TICK)}" for tick in ticks)
    labels = [element("text", tick.label, x=tick.centre, y=box.bottom + _TICK + 2 + font_size) for tick in ticks]
    return join(
        element("path", class_="tickline", d=lines) if lines else None,
        element("g", *labels, class_="tick", text_anchor="middle"),
    )
