"""A small picture of both terms, for lists."""

from __future__ import annotations

from collections.abc import Sequence

from services.gateway.pages.charts.drawing.path import line_path
from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.svg import Markup, element
from services.gateway.pages.charts.drawing.typeface import isolated
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.words import points_words

_WIDTH, _HEIGHT, _EDGE = 180.0, 44.0, 4.0
_SMALLEST_SPAN = 8.0  # points over the height


def sparkline(name_a: str, name_b: str, values_a: Sequence[float | None], values_b: Sequence[float | None]) -> Markup:
    """Both terms' values at equal distances, on one scale from the lowest to the highest; a dot marks each last value.

    It is named by `aria-label`, which needs no id and shows no tooltip.
    """
    lines = ((Role.A, name_a, values_a), (Role.B, name_b, values_b))
    return _picture(lines, (*values_a, *values_b))


def term_sparkline(
    name: str, values: Sequence[float | None], role: Role | None, scaled_with: Sequence[float | None]
) -> Markup:
    """One term's values; the scale has the lowest and the highest of `scaled_with`. Without a role it has no colour."""
    return _picture([(role, name, values)], scaled_with)


def _picture(
    lines: Sequence[tuple[Role | None, str, Sequence[float | None]]], scaled_with: Sequence[float | None]
) -> Markup:
    known = [value for value in scaled_with if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    # Series that hardly move are drawn as such, in the middle.
    room = max(0.0, _SMALLEST_SPAN - (high - low)) / 2
    y = Scale(low - room, high + room, _HEIGHT - _EDGE, _EDGE)
    return element(
        "svg",
        *(_line(role, values, y) for role, _, values in lines),
        class_="chart sparkline",
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        role="img",
        aria_label=", ".join(_last_words(name, values) for _, name, values in lines),
    )


def _line(role: Role | None, values: Sequence[float | None], y: Scale) -> Markup:
    x = Scale(0, max(1, len(values) - 1), _EDGE, _WIDTH - _EDGE)
    places = [None if value is None else (x(index), y(value)) for index, value in enumerate(values)]
    last = next((place for place in reversed(places) if place), None)
    return element(
        "g",
        element("path", class_="line", d=line_path(places)),
        element("circle", cx=last[0], cy=last[1], r=2.6) if last else None,
        class_=role,
    )


def _last_words(name: str, values: Sequence[float | None]) -> str:
    last = next((value for value in reversed(values) if value is not None), None)
    return f"{isolated(name)} {'unknown' if last is None else points_words(last)}"
