"""Peaks and change points on the lines, with labels where there is room."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.path import Position
from services.gateway.pages.charts.drawing.svg import Markup, element, join, number
from services.gateway.pages.charts.drawing.typeface import text_width
from services.gateway.pages.charts.inputs import Mark, MarkKind, Role

_RADIUS = 5.0
_CLEAR = 11.0  # from a mark's centre to its label


@dataclass(frozen=True)
class PlacedMark:
    """A mark with its position."""

    mark: Mark
    role: Role
    x: float
    y: float


@dataclass
class LabelRoom:
    """The space for labels: inside the box, beside the lines, beside each other."""

    box: Box
    lines: Sequence[Sequence[Position]]  # ascending in x
    taken: list[Box] = field(default_factory=list)

    def take(self, candidates: Iterable[Box]) -> Box | None:
        """The first candidate that is free, which is then taken."""
        for candidate in candidates:
            if self._is_free(candidate):
                self.taken.append(candidate)
                return candidate
        return None

    def _is_free(self, place: Box) -> bool:
        if place.left < self.box.left or place.right > self.box.right or place.bottom > self.box.bottom:
            return False
        return not any(_overlap(place, other) for other in self.taken) and not any(
            _crosses(line, place) for line in self.lines
        )


def draw_marks(marks: Sequence[PlacedMark], room: LabelRoom, font_size: float, most_labels: int) -> Markup:
    """The symbols of all marks, and the labels of the first ones for which there is room."""
    drawn: list[Markup] = []
    labels = 0
    for placed in marks:
        place = room.take(_candidates(placed, font_size)) if labels < most_labels else None
        labels += place is not None
        drawn.append(_mark(placed, place, font_size))
    return join(*drawn)


def _mark(placed: PlacedMark, place: Box | None, font_size: float) -> Markup:
    return element(
        "g",
        element("title", placed.mark.title),
        _symbol(placed),
        element("text", placed.mark.label, x=place.left, y=place.bottom - 0.2 * font_size) if place else None,
        class_=f"mark {placed.mark.kind} {placed.role}",
    )


def _symbol(placed: PlacedMark) -> Markup:
    """A ring for a peak, a lozenge for a change of the level."""
    if placed.mark.kind is MarkKind.PEAK:
        return element("circle", cx=placed.x, cy=placed.y, r=_RADIUS)
    start = f"M{number(placed.x)} {number(placed.y - _RADIUS - 1)}"
    return element("path", d=f"{start}l6 6-6 6-6-6z")


def _candidates(placed: PlacedMark, font_size: float) -> Iterable[Box]:
    """Above the mark, at its right, at its left."""
    width, height = text_width(placed.mark.label, font_size), 1.2 * font_size
    above, beside = placed.y - _CLEAR, placed.y + height / 2
    for left, bottom in (
        (placed.x - width / 2, above),
        (placed.x + _CLEAR, beside),
        (placed.x - _CLEAR - width, beside),
    ):
        yield Box(left, bottom - height, left + width, bottom)


def _overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _crosses(line: Sequence[Position], place: Box) -> bool:
    """Whether a segment of the line may touch the place; compares the heights of its segments' ends."""
    first = max(0, bisect_left(line, (place.left, float("-inf"))) - 1)
    last = min(len(line) - 1, bisect_right(line, (place.right, float("inf"))))
    for index in range(first, last):
        one, other = line[index][1], line[index + 1][1]
        if min(one, other) < place.bottom and max(one, other) > place.top:
            return True
    return False
