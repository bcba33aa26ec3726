"""Ended attempts by interval and outcome, as stacked bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.gateway.pages.charts.drawing.axes import Box, value_axis
from services.gateway.pages.charts.drawing.scale import Scale, round_domain, round_ticks
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.operations.sizes import WIDTHS, Size

_HEIGHT = 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 12.0, 26.0
_SIZE = 12.5
_TICKS = 3
OUTCOMES = ("ready", "retried", "failed", "other")  # from the bottom up


@dataclass(frozen=True)
class Bar:
    """One interval."""

    start: datetime
    label: str  # its start in words
    counts: tuple[int, int, int, int]  # of OUTCOMES

    def words(self) -> str:
        """The bar as text."""
        parts = [f"{count:,} {name}" for name, count in zip(OUTCOMES, self.counts, strict=True) if count]
        return f"{self.label}: {', '.join(parts) or 'none'}"


def throughput_chart(bars: Sequence[Bar], size: Size, *, title: str) -> Markup:
    """One bar an interval. Each is `[data-bar]` with its text, for scripts. Raises ValueError without bars."""
    if not bars:
        raise ValueError("a chart of throughput needs at least one bar")
    width = WIDTHS[size]
    box = Box(_LEFT, _TOP, width - _RIGHT, _HEIGHT - _BOTTOM)
    _, top = round_domain(0, max(1, *(sum(bar.counts) for bar in bars)), _TICKS)
    y = Scale(0, top, box.bottom, box.top)
    ticks = tuple(tick for tick in round_ticks(0, top, _TICKS) if tick == int(tick))
    step = box.width / len(bars)
    return image(
        value_axis(box, y, ticks, lambda tick: f"{tick:,.0f}"),
        *(_bar(bar, box.left + index * step, step, y, box) for index, bar in enumerate(bars)),
        _times(bars, box),
        id_=f"throughput-{size}",
        kind="throughput",
        width=width,
        height=_HEIGHT,
        title=title,
        desc=_description(bars),
        font_size=_SIZE,
    )


def _bar(bar: Bar, left: float, step: float, y: Scale, box: Box) -> Markup:
    gap = min(2.0, step / 4)
    parts: list[Markup] = []
    base = 0
    for name, count in zip(OUTCOMES, bar.counts, strict=True):
        if count:
            top, bottom = y(base + count), y(base)
            parts.append(element("rect", class_=name, x=left + gap / 2, y=top, width=step - gap, height=bottom - top))
            base += count
    # The whole column shows the bar's text, also where nothing ended.
    column = element("rect", class_="column", x=left, y=box.top, width=step, height=box.height)
    return element("g", element("title", bar.words()), column, *parts, data_bar=bar.words())


def _times(bars: Sequence[Bar], box: Box) -> Markup:
    y = box.bottom + _SIZE + 6
    middle = bars[len(bars) // 2]
    places = (
        (box.left, "start", bars[0]),
        ((box.left + box.right) / 2, "middle", middle),
        (box.right, "end", bars[-1]),
    )
    labels = [element("text", bar.label, x=x, y=y, text_anchor=anchor) for x, anchor, bar in places]
    line = element("path", class_="zero", d=f"M{number(box.left)} {number(box.bottom)}H{number(box.right)}")
    return join(line, element("g", *labels, class_="tick"))


def _description(bars: Sequence[Bar]) -> str:
    sums = [sum(bar.counts[index] for bar in bars) for index in range(len(OUTCOMES))]
    counted = ", ".join(f"{count:,} {name}" for name, count in zip(OUTCOMES, sums, strict=True))
    return f"{len(bars)} bars from {bars[0].label} to {bars[-1].label}: {counted}."
