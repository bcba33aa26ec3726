"""Where the texts of a chart are drawn, as far as their estimated widths show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.typeface import text_width
from tests.unit.gateway.pages.charts.reading import Element, words

_ASCENT, _DESCENT = 0.75, 0.2  # em: what letters and figures need above and below their baseline


def text_boxes(root: Element) -> list[tuple[str, Box]]:
    """The box of each text."""
    return list(_boxes(root, "start", float(root.get("font-size", "12"))))


def overlaps(root: Element) -> list[tuple[str, str]]:
    """The pairs of texts that overlap."""
    return [
        (one, other)
        for (one, first), (other, second) in combinations(text_boxes(root), 2)
        if first.left < second.right
        and second.left < first.right
        and first.top < second.bottom
        and second.top < first.bottom
    ]


def outside(root: Element) -> list[str]:
    """The texts that leave the view box."""
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    return [
        text
        for text, box in text_boxes(root)
        if box.left < 0 or box.right > width or box.top < 0 or box.bottom > height
    ]


def _boxes(element: Element, anchor: str, size: float) -> Iterator[tuple[str, Box]]:
    anchor, size = element.get("text-anchor", anchor), float(element.get("font-size", size))
    if element.tag == "text":
        text, bold = words(element), "end" in element.get("class", "").split()
        width = text_width(text, size, bold=bold)
        left = float(element.attrib["x"]) - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        baseline = float(element.attrib["y"]) + float(element.get("dy", "0em").removesuffix("em")) * size
        yield text, Box(left, baseline - _ASCENT * size, left + width, baseline + _DESCENT * size)
    for child in element:
        yield from _boxes(child, anchor, size)
