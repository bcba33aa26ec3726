"""How far to trust a forecast's direction, 0 to 100, and the warnings that follow from what was found."""

from __future__ import annotations

import math

from services.forecaster.engine.bundle.direction import band_of
from services.forecaster.engine.bundle.quality import Quality
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.learned import CONFIDENCE

LOW = 40.0  # below it, low_confidence
_SUREST = 0.95  # no interval knows of all that may come: beyond this it told right from wrong no better


def confidence(values: Array, forecast: Array, distribution: Distribution) -> float:
    """The probability, in per cent, that the forecast's direction is the one that comes.

    What the intervals make of it is corrected as learned from forecasts that had come true or not.
    """
    return 100 * corrected(log_odds(values, forecast, distribution))


def log_odds(values: Array, forecast: Array, distribution: Distribution) -> float:
    """Of the forecast's direction, as the intervals alone have it.

    Rising is right above the band around the mean of the last as many actual points, falling below it, stable and
    volatile within it.
    """
    level, band = band_of(values, len(forecast))
    change = float(forecast.mean()) - level
    falls, rises = distribution.mean_below(level - band), 1 - distribution.mean_below(level + band)
    goes = rises if change > 0 else falls
    right = goes if abs(change) > band else 1 - falls - rises
    right = min(_SUREST, max(1 - _SUREST, right))
    return math.log(right / (1 - right))


def corrected(odds: float, learned: tuple[float, float] = CONFIDENCE) -> float:
    """As often as forecasts with these log-odds came true: a line in log-odds, so order is kept."""
    constant, slope = learned
    return 1 / (1 + math.exp(-(constant + slope * odds)))


def warnings_of(quality: Quality, sure: float, *, windows: int, volatile: bool, complete: bool = True) -> list[object]:
    """The contract's warnings. `complete` is whether the forecast reaches as far as it was asked to."""
    found = {
        "low_confidence": sure < LOW,
        "insufficient_data": quality.series_too_short or not windows or not complete,
        "high_volatility": quality.too_spiky or volatile,
        "anomaly_detected": quality.shock_anywhere,
        "data_quality_concern": quality.mostly_zero or quality.gaps_filled or quality.scaled_apart,
    }
    return [warning for warning, holds in found.items() if holds]
