"""Prediction intervals from the backtest's errors: a scale per step ahead, and a fixed multiple of it per level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

# The four figures below were chosen once for all series of the real exports; docs/engine.md says how they do there.
PRIOR_WINDOWS = 6.0  # what the prior scale weighs, in windows
MIN_SCALE = 2.0  # points: quiet pasts underrate what comes; this alone took 95 % intervals of days from 86 to 92 %
# Errors have heavier tails than the normal distribution: its 1.96 covered 80 % of one-year forecasts at "95 %". A
# series' own quantiles of a dozen overlapping windows covered less than these, at both levels.
MULTIPLES = {80: 1.28, 95: 3.0}


@dataclass(frozen=True)
class Bands:
    """Point forecasts with their intervals, one entry per step: 0 ≤ lower95 ≤ lower80 ≤ value ≤ … ≤ upper95 ≤ 100."""

    value: Array
    lower80: Array
    upper80: Array
    lower95: Array
    upper95: Array


def error_scales(errors: Array, values: Array, steps: int) -> Array:
    """The standard deviation of the error at each of `steps` steps ahead, in points; it never falls with the step.

    `errors` has one row per backtest window. Their mean square is fitted as a + b × step, and drawn towards a random
    walk's that stays within the series' own spread: the fewer the windows, the more.
    """
    ahead = np.arange(1, steps + 1, dtype=np.float64)
    prior = _prior_variances(values, ahead)
    windows = len(errors)
    if windows:
        constant, slope = _line(np.mean(errors**2, axis=0))
        fitted = constant + slope * np.minimum(ahead, errors.shape[1])
        variances = (windows * fitted + PRIOR_WINDOWS * prior) / (windows + PRIOR_WINDOWS)
    else:
        variances = prior
    return np.maximum(np.sqrt(variances), MIN_SCALE)


def make_bands(value: Array, scales: Array) -> Bands:
    """Symmetric intervals around the forecast, cut to [0, 100]."""
    value = np.clip(value, 0, 100)
    lower80, lower95 = (np.clip(value - multiple * scales, 0, 100) for multiple in MULTIPLES.values())
    upper80, upper95 = (np.clip(value + multiple * scales, 0, 100) for multiple in MULTIPLES.values())
    return Bands(value, lower80, upper80, lower95, upper95)


def _prior_variances(values: Array, ahead: Array) -> Array:
    change = float(np.mean(np.diff(values) ** 2)) if len(values) > 1 else 0.0
    return np.minimum(change * ahead, max(2 * float(np.var(values)), change))


def _line(squares: Array) -> tuple[float, float]:
    """Least squares of a + b × step through mean squares, neither of them negative."""
    ahead = np.arange(1, len(squares) + 1, dtype=np.float64)
    centred = ahead - ahead.mean()
    slope = float(centred @ squares / (centred @ centred)) if len(ahead) > 1 else 0.0
    constant = float(squares.mean() - slope * ahead.mean())
    if slope < 0:
        return float(squares.mean()), 0.0
    if constant < 0:
        return 0.0, float(ahead @ squares / (ahead @ ahead))
    return constant, slope
