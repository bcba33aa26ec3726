"""Draws the main chart.

For the crosshair, the `<svg>` carries how values map to pixels of its view box; the values themselves are in the
page's JSON:

- `data-plot`: left, top, right and bottom of the plot;
- `data-time`: the epoch seconds at its left and right edge;
- `data-value`: the points at its bottom and top edge.

`charts.css` lets pointer events through to the element around the `<svg>`, so that its title does not become a
tooltip; a script listens there.
"""

from __future__ import annotations

from services.gateway.pages.charts.comparison.description import description, title
from services.gateway.pages.charts.comparison.end_labels import End, end_labels
from services.gateway.pages.charts.comparison.forecast import Forecast
from services.gateway.pages.charts.comparison.headings import band_key, now, taken_by_headings, unit
from services.gateway.pages.charts.comparison.layout import WIDE, Frame, Layout
from services.gateway.pages.charts.comparison.marks import LabelRoom, PlacedMark, draw_marks
from services.gateway.pages.charts.drawing.axes import time_axis, value_axis
from services.gateway.pages.charts.drawing.downsample import downsample
from services.gateway.pages.charts.drawing.path import Position, line_path
from services.gateway.pages.charts.drawing.scale import round_ticks
from services.gateway.pages.charts.drawing.svg import Markup, element, image, number
from services.gateway.pages.charts.drawing.time_ticks import time_ticks
from services.gateway.pages.charts.drawing.times import SECONDS, epoch_seconds
from services.gateway.pages.charts.inputs import Comparison, Role
from services.gateway.pages.charts.words import points_words, when_short


def comparison_chart(comparison: Comparison, *, id_: str, layout: Layout = WIDE) -> Markup:
    """Both terms on one scale. Without forecasts their space stays reserved: view box and scales are the same."""
    return _chart(Frame(comparison, (Role.A, Role.B), layout), id_)


def term_chart(comparison: Comparison, role: Role, *, id_: str, layout: Layout = WIDE) -> Markup:
    """One term on its own scale, for terms that are scaled apart."""
    return _chart(Frame(comparison, (role,), layout), id_)


def _chart(frame: Frame, id_: str) -> Markup:
    box, x, y, layout = frame.box, frame.x, frame.y, frame.layout
    histories = {role: _history(frame, role) for role in frame.roles}
    forecasts = [Forecast(frame, role) for role in frame.roles if frame.comparison.term(role).forecast]
    ticks = time_ticks(x, layout.font_size, shortest=SECONDS[frame.comparison.step], width=layout.width)
    return image(
        element("rect", class_="future", x=frame.now, y=box.top, width=box.right - frame.now, height=box.height),
        value_axis(box, y, round_ticks(y.low, y.high, 4), points_words),
        time_axis(box, ticks, layout.font_size),
        unit(frame),
        band_key(layout) if forecasts else None,
        *(forecast.outer_band() for forecast in forecasts),
        *(forecast.inner_band() for forecast in forecasts),
        now(frame),
        *(element("path", class_=f"line {role}", d=line_path(line)) for role, line in histories.items()),
        *(_partial(frame, role) for role in frame.roles),
        *(forecast.line() for forecast in forecasts),
        _marks(frame, [[place for place in line if place] for line in histories.values()]),
        end_labels([end for role in frame.roles if (end := _end(frame, role))], box, layout),
        id_=id_,
        kind=layout.kind,
        width=layout.width,
        height=layout.height,
        title=title(frame),
        desc=description(frame),
        font_size=layout.font_size,
        data_plot=" ".join(number(edge) for edge in (box.left, box.top, box.right, box.bottom)),
        data_time=f"{x.low:.0f} {x.high:.0f}",
        data_value=f"{y.low:.0f} {y.high:.0f}",
    )


def _history(frame: Frame, role: Role) -> list[Position | None]:
    values = frame.comparison.term(role).values[frame.first : frame.complete]
    x, y, times = frame.x, frame.y, frame.times[frame.first : frame.complete]
    return [None if (value := values[index]) is None else (x(times[index]), y(value)) for index in downsample(values)]


def _partial(frame: Frame, role: Role) -> Markup | None:
    """The incomplete last period: a thin line to a hollow point."""
    comparison = frame.comparison
    value = comparison.term(role).values[-1]
    if not comparison.partial_last_period or value is None:
        return None
    x, y = frame.x(frame.times[-1]), frame.y(value)
    before = frame.last_complete(role, before=frame.times[-1])
    return element(
        "g",
        element("title", f"{when_short(comparison.dates[-1], comparison.step)}: {points_words(value)} so far"),
        element("path", d=line_path([before, (x, y)])) if before else None,
        element("circle", cx=x, cy=y, r=3.5),
        class_=f"partial {role}",
    )


def _marks(frame: Frame, lines: list[list[Position]]) -> Markup | None:
    """Marks lie on their term's line, those of a level too."""
    placed = []
    for role in frame.roles:
        for rank, mark in enumerate(frame.comparison.term(role).marks):
            time = epoch_seconds(mark.date)
            if frame.times[frame.first] <= time <= frame.times[-1]:
                value = frame.value_at(role, time)
                y = frame.y(mark.value if value is None else value)
                placed.append((rank, PlacedMark(mark, role, frame.x(time), y)))
    if not placed:
        return None
    in_order = [mark for _, mark in sorted(placed, key=lambda pair: pair[0])]
    room = LabelRoom(frame.box, lines, taken_by_headings(frame))
    return draw_marks(in_order, room, frame.layout.font_size, frame.layout.mark_labels)


def _end(frame: Frame, role: Role) -> End | None:
    """Where the term's line ends: its forecast, else its last known value."""
    comparison = frame.comparison
    term, step, brief = comparison.term(role), comparison.step, frame.layout.brief
    if term.forecast:
        last = term.forecast[-1]
        figure = f"{points_words(last.value)} · {when_short(last.date, step, brief=brief)}"
        return End(role, frame.x(epoch_seconds(last.date)), frame.y(last.value), term.name, figure)
    for index in range(len(frame.times) - 1, frame.first - 1, -1):
        if (value := term.values[index]) is not None:
            figure = f"{points_words(value)} · {when_short(comparison.dates[index], step, brief=brief)}"
            return End(role, frame.x(frame.times[index]), frame.y(value), term.name, figure)
    return None
