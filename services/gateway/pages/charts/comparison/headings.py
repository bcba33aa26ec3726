"""What is written above the plot: the unit, the meaning of the bands, and where the future begins."""

from __future__ import annotations

from services.gateway.pages.charts.comparison.layout import Frame, Layout
from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.svg import Markup, element, join, number
from services.gateway.pages.charts.drawing.typeface import text_width

_UNIT = "points"
_KEY_BASELINE = 14.0
_UNIT_RISE, _NOW_RISE = 18.0, 11.0  # of the baselines above the plot
_SWATCH_WIDTH, _SWATCH_HEIGHT = 16.0, 11.0


def unit(frame: Frame) -> Markup:
    """The unit of the value axis, above its labels."""
    return element("text", _UNIT, class_="unit", x=0, y=frame.box.top - _UNIT_RISE)


def now(frame: Frame) -> Markup:
    """The divider between the past and the future. Its label does not cover the unit in a very short past."""
    x, top, label = frame.now, frame.box.top, frame.comparison.divider
    return join(
        element("path", class_="now", d=f"M{number(x)} {number(top - 6)}V{number(frame.box.bottom)}"),
        element("text", label, class_="nowlabel", x=_now_label(frame), y=top - _NOW_RISE, text_anchor="middle"),
    )


def taken_by_headings(frame: Frame) -> list[Box]:
    """Where no label of a mark may be."""
    size, top = frame.layout.font_size, frame.box.top
    middle, half = _now_label(frame), text_width(frame.comparison.divider, size) / 2 + 4
    return [
        Box(0, top - _UNIT_RISE - size, text_width(_UNIT, size) + 4, top - _UNIT_RISE + 4),
        Box(middle - half, top - _NOW_RISE - size, middle + half, top),
    ]


def band_key(layout: Layout) -> Markup:
    """The bands in words, at the right; a brief layout writes “outcomes” once."""
    right = layout.width - 2
    parts: list[Markup] = []
    for kind, often in (("b95", "19 of 20"), ("b80", "8 of 10")):
        words = often if layout.brief and kind == "b80" else f"{often} outcomes"
        left = right - text_width(words, layout.font_size)
        parts += [element("text", words, x=left, y=_KEY_BASELINE), _swatch(kind, left - _SWATCH_WIDTH - 6)]
        right = left - _SWATCH_WIDTH - 20
    return element("g", *parts, class_="key")


def _swatch(kind: str, x: float) -> Markup:
    # The inner band lies on the outer one, as in the plot.
    layers = ("b95",) if kind == "b95" else ("b95", "b80")
    y = _KEY_BASELINE - _SWATCH_HEIGHT + 1
    return join(
        *(
            element("rect", class_=f"band {layer}", x=x, y=y, width=_SWATCH_WIDTH, height=_SWATCH_HEIGHT)
            for layer in layers
        )
    )


def _now_label(frame: Frame) -> float:
    size = frame.layout.font_size
    return max(frame.now, text_width(_UNIT, size) + text_width(frame.comparison.divider, size) / 2 + 4)
