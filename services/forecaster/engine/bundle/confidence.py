"""Confidence in a forecast's direction, 0 to 100, and the bundle's warnings."""

from __future__ import annotations

import math

from services.forecaster.engine.bundle.direction import stable_band
from services.forecaster.engine.bundle.quality import Quality
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.learned import CONFIDENCE

LOW_CONFIDENCE = 40.0  # below it the bundle warns low_confidence
_MAX_PROBABILITY = 0.95  # above it, probabilities no longer predicted which directions come true


def confidence(values: Array, forecast: Array, distribution: Distribution, season_share: float) -> float:
    """The probability, in per cent, that the forecast's direction comes true.

    The probability from the intervals is calibrated on the outcomes of earlier forecasts. `season_share` is the
    season's own probability, 0 to 1.
    """
    return 100 * calibrated(log_odds(values, forecast, distribution), season_share)


def log_odds(values: Array, forecast: Array, distribution: Distribution) -> float:
    """Log-odds of the forecast's direction, from the intervals alone.

    The horizon's mean is compared with the stable band around the mean of as many last actual points: rising is above
    the band, falling below it, stable and volatile within it.
    """
    level, band = stable_band(values, len(forecast))
    change = float(forecast.mean()) - level
    falls, rises = distribution.mean_below(level - band), 1 - distribution.mean_below(level + band)
    in_direction = rises if change > 0 else falls
    right = in_direction if abs(change) > band else 1 - falls - rises
    right = min(_MAX_PROBABILITY, max(1 - _MAX_PROBABILITY, right))
    return math.log(right / (1 - right))


def calibrated(odds: float, season_share: float, learned: tuple[float, float, float] = CONFIDENCE) -> float:
    """The calibrated probability: a line in log-odds (Platt scaling) and the season's probability."""
    constant, slope, season = learned
    return 1 / (1 + math.exp(-(constant + slope * odds + season * season_share)))


def warnings_for(
    quality: Quality, percent: float, *, windows: int, volatile: bool, complete: bool = True
) -> list[object]:
    """The contract's warnings. `complete`: the forecast covers all requested days."""
    found = {
        "low_confidence": percent < LOW_CONFIDENCE,
        "insufficient_data": quality.series_too_short or quality.settling or not windows or not complete,
        "high_volatility": quality.too_spiky or volatile,
        "anomaly_detected": quality.shock_anywhere,
        "data_quality_concern": quality.mostly_zero or quality.gaps_filled or quality.scaled_apart,
    }
    return [warning for warning, holds in found.items() if holds]
