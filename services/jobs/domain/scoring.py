"""How a forecast did, held against the actual values that a newer snapshot brought. Plain Python."""

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
# Means that differ by less are a tie: forecasts are kept to four decimals.
_DECIMALS = 4


@dataclass(frozen=True)
class KeptForecast:
    """What one run forecast of both terms of a snapshot, as it was kept."""

    record_ids: tuple[int, int]  # of termA, of termB
    engine_version: str
    generated_at: datetime
    data_hash: str  # of the snapshot that it was made from
    made_from: Series
    term_a: TermForecast
    term_b: TermForecast


@dataclass(frozen=True)
class TermScore:
    """How one term's forecast did; errors in points of the scale that it was made on."""

    direction_right: bool
    hits80: int  # actual values inside the interval
    hits95: int
    mae: float
    mase: float | None  # MAE ÷ mean one-step change of the older snapshot; None: that never changed


@dataclass(frozen=True)
class Score:
    """How a forecast of two terms did over its whole horizon."""

    dates: int
    winner_right: bool | None  # None: the forecast or what came is a tie, so there is nothing to be right about
    term_a: TermScore
    term_b: TermScore


class Unscored(StrEnum):
    """Why a forecast was not scored."""

    SCALED_APART = "scaled-apart"
    HORIZON_OPEN = "horizon-open"
    FEW_COMMON_DATES = "few-common-dates"


def score(forecast: KeptForecast, newer: Series) -> Score | Unscored:
    """Holds `forecast` against a newer snapshot of the same comparison, once its whole horizon is complete there."""
    older, actual = forecast.made_from.complete(), newer.complete()
    if forecast.made_from.scaled_apart or newer.scaled_apart:
        return Unscored.SCALED_APART
    came = {time: (a, b) for time, a, b in zip(actual.times, actual.values_a, actual.values_b, strict=True)}
    times = [point.time for point in forecast.term_a.points]
    if not times or times != [point.time for point in forecast.term_b.points] or not came.keys() >= set(times):
        return Unscored.HORIZON_OPEN
    ratio = _ratio(older, came)
    if ratio is None:
        return Unscored.FEW_COMMON_DATES
    actual_a = [came[time][0] * ratio for time in times]
    actual_b = [came[time][1] * ratio for time in times]
    return Score(
        dates=len(times),
        winner_right=_winner_right(forecast, actual_a, actual_b),
        term_a=_term_score(forecast.term_a, older.values_a, actual_a),
        term_b=_term_score(forecast.term_b, older.values_b, actual_b),
    )


def _ratio(older: Series, came: Mapping[datetime, tuple[float, float]]) -> float | None:
    """What newer values are multiplied by to stand on the older scale; None: too few common dates tell.

    Google scales one export as a whole, so there is one ratio for both terms. It is sum ÷ sum: values are rounded to
    whole points, so that a ratio of two small ones is mostly rounding, and sums give each date the weight of what it
    says. A date where one of the four values is zero says nothing of a scale.
    """
    sums = [
        (a + b, sum(came[time]))
        for time, a, b in zip(older.times, older.values_a, older.values_b, strict=True)
        if time in came and all((a, b, *came[time]))
    ]
    if len(sums) < MIN_COMMON_DATES:
        return None
    return sum(old for old, _ in sums) / sum(new for _, new in sums)


def _winner_right(forecast: KeptForecast, actual_a: Sequence[float], actual_b: Sequence[float]) -> bool | None:
    said = _lead(_values(forecast.term_a.points), _values(forecast.term_b.points))
    was = _lead(actual_a, actual_b)
    return (said > 0) == (was > 0) if said and was else None


def _lead(values_a: Sequence[float], values_b: Sequence[float]) -> float:
    return round(fmean(values_b) - fmean(values_a), _DECIMALS)


def _term_score(forecast: TermForecast, history: Sequence[float], actual: Sequence[float]) -> TermScore:
    points = forecast.points
    mae = fmean(abs(point.value - value) for point, value in zip(points, actual, strict=True))
    # Unrounded sums may miss an interval's rounded end by less than a forecast can say.
    came = [round(value, _DECIMALS) for value in actual]
    changes = [abs(later - earlier) for earlier, later in pairwise(history)]
    step = fmean(changes) if changes else 0.0
    # Neither `stable` nor `volatile` says that it moves.
    said = forecast.direction if forecast.direction in ("rising", "falling") else "stable"
    return TermScore(
        direction_right=said == _direction(history, actual),
        hits80=sum(point.lower80 <= value <= point.upper80 for point, value in zip(points, came, strict=True)),
        hits95=sum(point.lower95 <= value <= point.upper95 for point, value in zip(points, came, strict=True)),
        mae=mae,
        mase=mae / step if step > 0 else None,
    )


def _direction(history: Sequence[float], actual: Sequence[float]) -> str:
    level = fmean(history[-len(actual) :])
    change = fmean(actual) - level
    if abs(change) <= change_band(level):
        return "stable"
    return "rising" if change > 0 else "falling"


def _values(points: Sequence[ForecastPoint]) -> list[float]:
    return [point.value for point in points]
