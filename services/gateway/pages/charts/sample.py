"""A five-year comparison with bands and marks, for benchmarks and tests. Its numbers follow a formula."""

from __future__ import annotations

import math
from datetime import date, timedelta

from services.common.comparison import TIMEFRAMES
from services.gateway.pages.charts.inputs import Comparison, ForecastPoint, Mark, MarkKind, Term

_WEEKS = 261
_FIRST = date(2021, 11, 28)
_FIVE_YEARS = TIMEFRAMES["5y"]


def five_year_comparison() -> Comparison:
    """261 weeks, the last one partial, and 26 weeks of forecast for both terms."""
    return Comparison(
        dates=[_date(week) for week in range(_WEEKS)],
        step=_FIVE_YEARS.step,
        horizon=_FIVE_YEARS.horizon,
        a=_term("amazon", level=58, swing=14, season_week=51),
        b=_term("costco", level=52, swing=20, season_week=47),
        partial_last_period=True,
    )


def _term(name: str, *, level: float, swing: float, season_week: int) -> Term:
    values = [_value(week, level, swing, season_week) for week in range(_WEEKS)]
    # The engine forecasts from the last complete period on.
    forecast = [
        _forecast_point(week, _value(week, level, swing, season_week), ahead=week - _WEEKS + 2)
        for week in range(_WEEKS - 1, _WEEKS - 1 + _FIVE_YEARS.horizon)
    ]
    highest = max(range(_WEEKS - 1), key=lambda week: values[week])
    marks = (
        Mark(_date(highest), values[highest], MarkKind.PEAK, "peak", f"{name} is highest here: {values[highest]:.0f}"),
        Mark(_date(130), values[130], MarkKind.CHANGE, "new level", f"{name} has a new level from here"),
    )
    return Term(name, values, forecast, marks)


def _value(week: int, level: float, swing: float, season_week: int) -> float:
    distance = abs((week - season_week + 26) % 52 - 26)
    wave = swing * math.exp(-(distance**2) / 18)
    wobble = 4 * math.sin(week * 2.399) + 3 * math.sin(week * 0.731)
    return float(round(min(100, max(0, level + wave + wobble))))


def _forecast_point(week: int, value: float, *, ahead: int) -> ForecastPoint:
    near, far = 3 + 1.2 * math.sqrt(ahead) * 1.28, 3 + 1.2 * math.sqrt(ahead) * 2.6
    return ForecastPoint(
        _date(week), value, max(0, value - near), min(100, value + near), max(0, value - far), min(100, value + far)
    )


def _date(week: int) -> str:
    return (_FIRST + timedelta(weeks=week)).isoformat()
