"""How often directions came true, against how sure their forecasts were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations import calibration
from services.gateway.pages.charts.operations.percents import axis_start

_NAMES = 92.0  # room for the names left of the plot
_TOP = 8.0  # without labels above the plot
_TICK = 9.0  # half the height of a mark at what was said


@dataclass(frozen=True)
class Came:
    """Directions of a similar confidence."""

    name: str
    said: float  # percent
    came: calibration.Share


def confidence_chart(rows: Sequence[Came], *, id_: str, narrow: bool = False) -> Markup:
    """One lane a row: a mark at what was said, and a bar to a dot at what came, with its uncertainty.

    Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("a chart of confidence needs at least one row")
    width = calibration.NARROW_WIDTH if narrow else calibration.WIDTH
    box = Box(_NAMES, _TOP, width - calibration.RIGHT, _TOP + calibration.LANE * len(rows))
    x = Scale(axis_start([share for row in rows for share in (row.said, row.came.low)]), 100, box.left, box.right)
    return image(
        calibration.percent_grid(box, x),
        *(_lane(row, box.top + (index + 0.5) * calibration.LANE, x) for index, row in enumerate(rows)),
        id_=id_,
        kind="calibration",
        width=width,
        height=box.bottom + calibration.BOTTOM,
        title="Directions that came true, by confidence, in percent",
        desc=" ".join(f"{row.name}: {_words(row)}." for row in rows),
        font_size=calibration.SIZE,
    )


def _lane(row: Came, middle: float, x: Scale) -> Markup:
    mark = f"M{number(x(row.said))} {number(middle - _TICK)}V{number(middle + _TICK)}"
    return join(
        element("text", row.name, x=0, y=middle, dy=".35em"),
        element("path", class_=f"said {Role.B}", d=mark),
        calibration.dot(Role.B, said=row.said, came=row.came, title=_words(row).capitalize(), y=middle, x=x),
    )


def _words(row: Came) -> str:
    return f"said {row.said:.0f} %, came true {row.came}"
