"""How many values the intervals held, against how many they were made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.drawing.typeface import shorten
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations.percents import axis_start, percent_ticks

_WIDTH, _NARROW_WIDTH = 540.0, 340.0
_NAMES, _NARROW_NAMES = 156.0, 134.0  # room for the names left of the plot
_RIGHT, _TOP, _BOTTOM, _LANE = 44.0, 26.0, 26.0, 34.0
_SIZE = 12.5
_OFFSET = 6.0  # between the middle of a lane and each of its dots
SAID = {Role.A: 80, Role.B: 95}  # percent


@dataclass(frozen=True)
class Held:
    """What the intervals of some forecasts held, in percent; None where unknown."""

    name: str
    held80: float | None
    held95: float | None

    def by_role(self) -> dict[Role, float | None]:
        """The 80 % interval is drawn as A, the 95 % interval as B."""
        return {Role.A: self.held80, Role.B: self.held95}


def calibration_chart(rows: Sequence[Held], *, id_: str, narrow: bool = False) -> Markup:
    """One lane a row, with a dot for each interval and a bar from what was said. Raises ValueError without rows."""
    if not rows:
        raise ValueError("a chart of calibration needs at least one row")
    width, names = (_NARROW_WIDTH, _NARROW_NAMES) if narrow else (_WIDTH, _NAMES)
    box = Box(names, _TOP, width - _RIGHT, _TOP + _LANE * len(rows))
    known = [held for row in rows for held in row.by_role().values() if held is not None]
    x = Scale(axis_start(known), 100, box.left, box.right)
    return image(
        _grid(box, x),
        *(_lane(row, box.top + (index + 0.5) * _LANE, names, x) for index, row in enumerate(rows)),
        id_=id_,
        kind="calibration",
        width=width,
        height=box.bottom + _BOTTOM,
        title="Values that the intervals held, in percent",
        desc=" ".join(_words(row) for row in rows),
        font_size=_SIZE,
    )


def _grid(box: Box, x: Scale) -> Markup:
    ticks = percent_ticks(x.low)
    lines = [
        element("path", class_="grid", d=f"M{number(x(tick))} {number(box.top)}V{number(box.bottom)}") for tick in ticks
    ]
    labels = [element("text", f"{tick:g}", x=x(tick), y=box.bottom + _SIZE + 6) for tick in ticks]
    # The labels point away from each other, and so never overlap.
    said = [
        join(
            element("path", class_=f"said {role}", d=f"M{number(x(percent))} {number(box.top)}V{number(box.bottom)}"),
            element(
                "text",
                f"{percent} %",
                class_=f"end {role}",
                x=x(percent),
                y=box.top - 8,
                text_anchor="end" if role is Role.A else "start",
            ),
        )
        for role, percent in SAID.items()
    ]
    return join(*lines, element("g", *labels, class_="tick", text_anchor="middle"), *said)


def _lane(row: Held, middle: float, names: float, x: Scale) -> Markup:
    name = shorten(row.name, names - 12, _SIZE)
    return join(
        element("text", name, x=0, y=middle, dy=".35em"),
        *(
            _dot(role, held, middle + (-_OFFSET if role is Role.A else _OFFSET), x)
            for role, held in row.by_role().items()
            if held is not None
        ),
    )


def _dot(role: Role, held: float, y: float, x: Scale) -> Markup:
    left, right = sorted((x(SAID[role]), x(held)))
    return element(
        "g",
        element("title", f"The {SAID[role]} % interval held {held:.0f} %"),
        element("path", class_="gap", d=f"M{number(left)} {number(y)}H{number(right)}"),
        element("circle", cx=x(held), cy=y, r=4.2),
        class_=f"held {role}",
    )


def _words(row: Held) -> str:
    parts = [
        f"the {SAID[role]} % interval held {held:.0f} %" for role, held in row.by_role().items() if held is not None
    ]
    return f"{row.name}: {' and '.join(parts) or 'unknown'}."
