"""How far to trust a forecast, 0 to 100, from what was measured; and the warnings that follow from it."""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.backtest import Backtest
from services.forecaster.engine.intervals import Bands
from services.forecaster.engine.quality import Quality

# What each part can add to the whole.
PRECISION, ACCURACY, SKILL, HISTORY = 35.0, 35.0, 15.0, 15.0
WIDEST = 60.0  # points: an 80 % interval of this width has no precision
MIN_LEVEL = 5.0  # points: accuracy is measured against the level, and a lower one is taken to be this
LONG_HISTORY = 4  # horizons of points that count as long
PENALTIES = {"seriesTooShort": 0.6, "tooSpiky": 0.8, "eventShockLikely": 0.8, "mostlyZero": 0.8, "gapsFilled": 0.9}
LOW = 40.0  # below it, low_confidence


def confidence(
    bands: Bands, chosen: Backtest, reference: Backtest, quality: Quality, *, points: int, horizon: int, steps: int
) -> float:
    """The confidence in the first `steps` steps.

    A sum of precision (how narrow the 80 % intervals are), accuracy (how small the backtest's error is against the
    level), skill (how much better than naive), and history (how long), times a penalty for each flag. What no window
    measured adds nothing.
    """
    width = float(np.mean((bands.upper80 - bands.lower80)[:steps]))
    total = PRECISION * (1 - min(1.0, width / WIDEST))
    if chosen.windows:
        error = float(np.abs(chosen.errors[:, :steps]).mean())
        naive_error = float(np.abs(reference.errors[:, :steps]).mean())
        level = max(float(chosen.actuals[:, :steps].mean()), MIN_LEVEL)
        total += ACCURACY * (1 - min(1.0, error / level))
        total += SKILL * (0.5 if naive_error == 0 else min(1.0, max(0.0, 1.5 - error / naive_error)))
    total += HISTORY * min(1.0, points / (LONG_HISTORY * horizon))
    for flag, penalty in PENALTIES.items():
        if quality.flags[flag]:
            total *= penalty
    return total


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
