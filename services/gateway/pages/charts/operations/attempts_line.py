"""Attempts of an episode on one time line: how long each waited, and how long it ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.gateway.pages.charts.drawing.axes import Box
from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.operations.sizes import WIDTHS, Size

_LEFT, _RIGHT, _TOP, _BOTTOM, _LANE = 34.0, 14.0, 8.0, 26.0, 26.0
_SIZE = 12.5
_LEAST = 3.0  # width of a run in pixels, however short it was


@dataclass(frozen=True)
class Run:
    """One attempt."""

    number: int
    due: datetime | None  # None if unknown
    claimed: datetime
    ended: datetime | None  # None while it runs
    outcome: str
    refused: datetime | None = None  # when its late result was refused

    def words(self) -> str:
        """The attempt as text."""
        waited = f", waited {(self.claimed - self.due).total_seconds():.3g} s" if self.due else ""
        ran = f", ran {(self.ended - self.claimed).total_seconds():.3g} s" if self.ended else ""
        late = ", its late result was refused" if self.refused else ""
        return f"Attempt {self.number}: {self.outcome}{waited}{ran}{late}"


def attempts_line(runs: Sequence[Run], now: datetime, size: Size) -> Markup:
    """One lane an attempt, oldest first. Raises ValueError without attempts."""
    if not runs:
        raise ValueError("a time line needs at least one attempt")
    box = Box(_LEFT, _TOP, WIDTHS[size] - _RIGHT, _TOP + _LANE * len(runs))
    start = min(run.due or run.claimed for run in runs)
    end = max(run.refused or run.ended or now for run in runs)
    x = Scale(start.timestamp(), max(end.timestamp(), start.timestamp() + 0.001), box.left, box.right)
    return image(
        *(_lane(run, now, box.top + (index + 0.5) * _LANE, x) for index, run in enumerate(runs)),
        _axis(start, end, box),
        id_=f"attempts-{size}",
        kind="attempts",
        width=WIDTHS[size],
        height=box.bottom + _BOTTOM,
        title="Attempts of the last episode",
        desc=". ".join(run.words() for run in runs),
        font_size=_SIZE,
    )


def _lane(run: Run, now: datetime, middle: float, x: Scale) -> Markup:
    claimed, ended = x(run.claimed.timestamp()), x((run.ended or now).timestamp())
    width = max(_LEAST, ended - claimed)
    left = min(claimed, x.end - width)
    kind = "run ready" if run.outcome == "ready" else "run open" if run.ended is None else "run lost"
    waited = f"M{number(x(run.due.timestamp()))} {number(middle)}H{number(left)}" if run.due else ""
    refused = f"M{number(x(run.refused.timestamp()))} {number(middle - 9)}v18" if run.refused else ""
    return element(
        "g",
        element("title", run.words()),
        element("text", str(run.number), x=_LEFT - 10, y=middle, dy=".35em", text_anchor="end"),
        element("path", class_="waited", d=waited) if waited else None,
        element("rect", class_=kind, x=left, y=middle - 7, width=width, height=14, rx=2),
        element("path", class_="refused", d=refused) if refused else None,
        class_="attempt",
    )


def _axis(start: datetime, end: datetime, box: Box) -> Markup:
    days = start.date() != end.date()
    y = box.bottom + _SIZE + 6
    labels = [
        element("text", f"{at:%Y-%m-%d %H:%M:%S}" if days else f"{at:%H:%M:%S}", x=x, y=y, text_anchor=anchor)
        for at, x, anchor in ((start, box.left, "start"), (end, box.right, "end"))
    ]
    line = element("path", class_="zero", d=f"M{number(box.left)} {number(box.bottom)}H{number(box.right)}")
    return join(line, element("g", *labels, class_="tick"))
