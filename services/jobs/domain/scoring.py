"""Scores of forecasts against the actual values of a newer snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from statistics import fmean

from services.common.change_band import change_band
from services.jobs.domain.forecaster import ForecastPoint, TermForecast
from services.jobs.domain.snapshot import Series

MIN_COMMON_DATES = 8
# Forecasts are kept to four decimals; means that differ by less are a tie.
_DECIMALS = 4


@dataclass(frozen=True)
class KeptForecast:
    """The forecasts of one run for both terms of a snapshot, as kept in the track record."""

    record_ids: tuple[int, int]  # of termA, of termB
    engine_version: str
    generated_at: datetime
    data_hash: str  # of the snapshot that was forecast
    history: Series
    term_a: TermForecast
    term_b: TermForecast


@dataclass(frozen=True)
class TermScore:
    """The accuracy of one term's forecast; errors in points of the scale of the older snapshot."""

    direction_right: bool
    hits80: int  # actual values inside the interval
    hits95: int
    mae: float
    mase: float | None  # MAE ÷ mean one-step change of the older snapshot; None: the series is constant
    confidence: float | None  # of the forecast's direction, 0 to 100; None: it was stored without one


@dataclass(frozen=True)
class Score:
    """The accuracy of a forecast of two terms over its whole horizon."""

    dates: int
    winner_right: bool | None  # None: the forecast or the actual values are a tie
    term_a: TermScore
    term_b: TermScore


class Unscored(StrEnum):
    """Why a forecast was not scored."""

    SCALED_APART = "scaled-apart"
    HORIZON_OPEN = "horizon-open"
    FEW_COMMON_DATES = "few-common-dates"


def score(forecast: KeptForecast, newer: Series) -> Score | Unscored:
    """Compares `forecast` with a newer snapshot of the same comparison that contains its whole horizon."""
    older, complete = forecast.history.complete(), newer.complete()
    if forecast.history.scaled_apart or newer.scaled_apart:
        return Unscored.SCALED_APART
    actual = {time: (a, b) for time, a, b in zip(complete.times, complete.values_a, complete.values_b, strict=True)}
    times = [point.time for point in forecast.term_a.points]
    if not times or times != [point.time for point in forecast.term_b.points] or not actual.keys() >= set(times):
        return Unscored.HORIZON_OPEN
    ratio = _ratio(older, actual)
    if ratio is None:
        return Unscored.FEW_COMMON_DATES
    actual_a = [actual[time][0] * ratio for time in times]
    actual_b = [actual[time][1] * ratio for time in times]
    return Score(
        dates=len(times),
        winner_right=_winner_right(forecast, actual_a, actual_b),
        term_a=_term_score(forecast.term_a, older.values_a, actual_a),
        term_b=_term_score(forecast.term_b, older.values_b, actual_b),
    )


def _ratio(older: Series, actual: Mapping[datetime, tuple[float, float]]) -> float | None:
    """The factor from the newer scale to the older one; None: too few common dates.

    Google scales an export as a whole, so both terms share one ratio. It is sum ÷ sum: values are rounded to whole
    points, so that a ratio of two small values is mostly rounding error. Dates with a zero among the four values are
    left out, because a zero has no scale.
    """
    sums = [
        (a + b, sum(actual[time]))
        for time, a, b in zip(older.times, older.values_a, older.values_b, strict=True)
        if time in actual and all((a, b, *actual[time]))
    ]
    if len(sums) < MIN_COMMON_DATES:
        return None
    return sum(old for old, _ in sums) / sum(new for _, new in sums)


def _winner_right(forecast: KeptForecast, actual_a: Sequence[float], actual_b: Sequence[float]) -> bool | None:
    forecast_lead = _lead(_values(forecast.term_a.points), _values(forecast.term_b.points))
    actual_lead = _lead(actual_a, actual_b)
    return (forecast_lead > 0) == (actual_lead > 0) if forecast_lead and actual_lead else None


def _lead(values_a: Sequence[float], values_b: Sequence[float]) -> float:
    return round(fmean(values_b) - fmean(values_a), _DECIMALS)


def _term_score(forecast: TermForecast, history: Sequence[float], actual: Sequence[float]) -> TermScore:
    points = forecast.points
    mae = fmean(abs(point.value - value) for point, value in zip(points, actual, strict=True))
    # Rounded like the interval's ends, so that a value on an end counts as inside.
    rounded = [round(value, _DECIMALS) for value in actual]
    changes = [abs(later - earlier) for earlier, later in pairwise(history)]
    step = fmean(changes) if changes else 0.0
    # `volatile` is no claim of a direction, like `stable`.
    direction = forecast.direction if forecast.direction in ("rising", "falling") else "stable"
    return TermScore(
        direction_right=direction == _direction(history, actual),
        hits80=sum(point.lower80 <= value <= point.upper80 for point, value in zip(points, rounded, strict=True)),
        hits95=sum(point.lower95 <= value <= point.upper95 for point, value in zip(points, rounded, strict=True)),
        mae=mae,
        mase=mae / step if step > 0 else None,
        confidence=forecast.confidence,
    )


def _direction(history: Sequence[float], actual: Sequence[float]) -> str:
    level = fmean(history[-len(actual) :])
    change = fmean(actual) - level
    if abs(change) <= change_band(level):
        return "stable"
    return "rising" if change > 0 else "falling"


def _values(points: Sequence[ForecastPoint]) -> list[float]:
    return [point.value for point in points]
