"""A term's forecast: a dotted line and two bands, from the last value before it."""

from __future__ import annotations

from collections.abc import Callable

from services.gateway.pages.charts.comparison.layout import Frame
from services.gateway.pages.charts.drawing.path import Position, area_path, line_path
from services.gateway.pages.charts.drawing.svg import Markup, element
from services.gateway.pages.charts.drawing.times import epoch_seconds
from services.gateway.pages.charts.inputs import ForecastPoint, Role


class Forecast:
    """The positions of a forecast, which must not be empty."""

    def __init__(self, frame: Frame, role: Role) -> None:
        self._role = role
        self._points = frame.comparison.term(role).forecast
        self._y = frame.y
        times = [epoch_seconds(point.date) for point in self._points]
        self._x = [frame.x(time) for time in times]
        before = frame.last_complete(role, before=times[0])
        self._start = [before] if before else []

    def line(self) -> Markup:
        """The continuation of the term's line."""
        return element("path", class_=f"forecast {self._role}", d=line_path(self._along(lambda point: point.value)))

    def outer_band(self) -> Markup:
        """The 95 % band."""
        return self._band("b95", lambda point: point.lower95, lambda point: point.upper95)

    def inner_band(self) -> Markup:
        """The 80 % band, which lies on the outer bands of both terms."""
        return self._band("b80", lambda point: point.lower80, lambda point: point.upper80)

    def _band(
        self, kind: str, lower: Callable[[ForecastPoint], float], upper: Callable[[ForecastPoint], float]
    ) -> Markup:
        area = area_path(self._along(upper), self._along(lower))
        return element("path", class_=f"band {kind} {self._role}", d=area)

    def _along(self, value_of: Callable[[ForecastPoint], float]) -> list[Position]:
        y = self._y
        return self._start + [(x, y(value_of(point))) for x, point in zip(self._x, self._points, strict=True)]
