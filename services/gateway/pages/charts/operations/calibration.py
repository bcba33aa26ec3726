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

WIDTH, NARROW_WIDTH = 540.0, 340.0
RIGHT, TOP, BOTTOM, LANE = 44.0, 26.0, 26.0, 34.0
SIZE = 12.5
_NAMES, _NARROW_NAMES = 156.0, 134.0  # room for the names left of the plot
_OFFSET = 6.0  # between the middle of a lane and each of its dots
SAID = {Role.A: 80, Role.B: 95}  # percent


@dataclass(frozen=True)
class Share:
    """A share and its uncertainty, in percent."""

    percent: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.percent:.0f} % ({self.low:.0f} to {self.high:.0f} %)"


@dataclass(frozen=True)
class Held:
    """What the intervals of some forecasts held; None where unknown."""

    name: str
    held80: Share | None
    held95: Share | None

    def by_role(self) -> dict[Role, Share | None]:
        """The 80 % interval is drawn as A, the 95 % interval as B."""
        return {Role.A: self.held80, Role.B: self.held95}


def calibration_chart(rows: Sequence[Held], *, id_: str, narrow: bool = False) -> Markup:
    """One lane a row: for each interval a dot, its uncertainty, and a bar from what was said.

    Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("a chart of calibration needs at least one row")
    width, names = (NARROW_WIDTH, _NARROW_NAMES) if narrow else (WIDTH, _NAMES)
    box = Box(names, TOP, width - RIGHT, TOP + LANE * len(rows))
    known = [held.low for row in rows for held in row.by_role().values() if held is not None]
    x = Scale(axis_start(known), 100, box.left, box.right)
    return image(
        _grid(box, x),
        *(_lane(row, box.top + (index + 0.5) * LANE, names, x) for index, row in enumerate(rows)),
        id_=id_,
        kind="calibration",
        width=width,
        height=box.bottom + BOTTOM,
        title="Values that the intervals held, in percent",
        desc=" ".join(_words(row) for row in rows),
        font_size=SIZE,
    )


def percent_grid(box: Box, x: Scale) -> Markup:
    """Lines with a label below the box, in percent."""
    ticks = percent_ticks(x.low)
    lines = [
        element("path", class_="grid", d=f"M{number(x(tick))} {number(box.top)}V{number(box.bottom)}") for tick in ticks
    ]
    labels = [element("text", f"{tick:g}", x=x(tick), y=box.bottom + SIZE + 6) for tick in ticks]
    return join(*lines, element("g", *labels, class_="tick", text_anchor="middle"))


def dot(role: Role, *, said: float, came: Share, title: str, y: float, x: Scale) -> Markup:
    """A dot at the share that came, a line over its uncertainty, and a bar to it from what was said."""
    left, right = sorted((x(said), x(came.percent)))
    reach = f"M{number(x(came.low))} {number(y)}H{number(x(came.high))}"
    return element(
        "g",
        element("title", title),
        element("path", class_="gap", d=f"M{number(left)} {number(y)}H{number(right)}"),
        element("path", class_="reach", d=reach),
        element("circle", cx=x(came.percent), cy=y, r=4.2),
        class_=f"held {role}",
    )


def _grid(box: Box, x: Scale) -> Markup:
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
    return join(percent_grid(box, x), *said)


def _lane(row: Held, middle: float, names: float, x: Scale) -> Markup:
    name = shorten(row.name, names - 12, SIZE)
    return join(
        element("text", name, x=0, y=middle, dy=".35em"),
        *(
            dot(
                role,
                said=SAID[role],
                came=held,
                title=f"The {SAID[role]} % interval held {held}",
                y=middle + (-_OFFSET if role is Role.A else _OFFSET),
                x=x,
            )
            for role, held in row.by_role().items()
            if held is not None
        ),
    )


def _words(row: Held) -> str:
    parts = [f"the {SAID[role]} % interval held {held}" for role, held in row.by_role().items() if held is not None]
    return f"{row.name}: {' and '.join(parts) or 'unknown'}."
