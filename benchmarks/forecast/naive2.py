"""Naive2, the reference of all ratios: the last value with its season, as in the M competitions."""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array

MIN_SEASONS = 3  # fewest known seasons for a seasonal forecast
SIGNIFICANCE = 1.645  # of the autocorrelation at one season


def naive2(known: Array, season: int, steps: int, *, bounded: bool = True) -> tuple[Array, Array]:
    """Point forecasts, and the standard deviation of each: in-sample residuals × √step.

    The season is tested for by its autocorrelation and taken out by classical multiplicative decomposition; series with
    zeros are lifted by 1 for that.
    """
    lifted = known + (0.0 if known.min() > 0 else 1.0 - min(known.min(), 0.0))
    indices = _indices(lifted, season) if _is_seasonal(known, season) else np.ones(1)
    at = indices[np.arange(len(known) + steps) % len(indices)]
    rest = lifted / at[: len(known)]
    point = rest[-1] * at[len(known) :] - (lifted[0] - known[0])
    residuals = np.diff(rest) * at[1 : len(known)]
    deviation = np.sqrt(np.mean(residuals**2)) * np.sqrt(np.arange(1, steps + 1))
    return (np.clip(point, 0, 100) if bounded else point), deviation


def _is_seasonal(values: Array, season: int) -> bool:
    centred = values - values.mean()
    power = float(centred @ centred)
    if season < 2 or len(values) < MIN_SEASONS * season or power < 1e-9:
        return False
    correlations = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season + 1)]) / power
    limit = SIGNIFICANCE * np.sqrt((1 + 2 * np.sum(correlations[:-1] ** 2)) / len(values))
    return bool(abs(correlations[-1]) > limit)


def _indices(values: Array, season: int) -> Array:
    weights = np.ones(season) if season % 2 else np.concatenate(([0.5], np.ones(season - 1), [0.5]))
    half = len(weights) // 2
    shares = values[half : len(values) - half] / np.convolve(values, weights / season, "valid")
    phases = np.arange(half, len(values) - half) % season
    indices = np.array([shares[phases == phase].mean() for phase in range(season)])
    return np.asarray(np.maximum(indices * season / indices.sum(), 1e-3))
