"""How far to trust a forecast, 0 to 100, from what was measured; and the warnings that follow from it."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from services.forecaster.engine.direction import band_of
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals import PRIOR_WINDOWS
from services.forecaster.engine.quality import Quality

# What each flag leaves of the confidence.
PENALTIES = {"seriesTooShort": 0.7, "tooSpiky": 0.9, "eventShockLikely": 0.9, "mostlyZero": 0.9, "gapsFilled": 0.95}
LOW = 40.0  # below it, low_confidence


def confidence(values: Array, forecast: Array, sd: float, quality: Quality) -> float:
    """The probability, in per cent, that the forecast's direction is the one that comes, times a penalty per flag.

    The mean that comes is taken to be normal around the forecast's, with `sd` from `mean_sd`. Rising is right above the
    band around the mean of the last as many actual points, falling below it, stable and volatile within it.
    """
    level, band = band_of(values, len(forecast))
    change = NormalDist(float(forecast.mean()) - level, sd)
    falls, rises = change.cdf(-band), 1 - change.cdf(band)
    if change.mean > band:
        right = rises
    elif change.mean < -band:
        right = falls
    else:
        right = 1 - falls - rises
    for flag, penalty in PENALTIES.items():
        if quality.flags[flag]:
            right *= penalty
    return 100 * min(1.0, max(0.0, right))


def mean_sd(errors: Array, scales: Array) -> float:
    """The standard deviation of the error of the mean over the first `len(scales)` steps, in points.

    What the backtest's windows showed of it, drawn towards that of errors which all go the same way, which is the mean
    of the scales: the fewer the windows, the more. Never 0, since scales are not.
    """
    windows = len(errors)
    squares = float(np.sum(errors[:, : len(scales)].mean(axis=1) ** 2)) if windows else 0.0
    return float(np.sqrt((squares + PRIOR_WINDOWS * float(scales.mean()) ** 2) / (windows + PRIOR_WINDOWS)))


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
