"""The season of a series: what each phase adds, as far as it stands out of the noise.

Classical decomposition on the engine's scale. Whether there is a season is not a yes or no: the profile is shrunk by
the share of its variance that noise does not explain (as by James and Stein), so a doubtful season adds little.
"""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.rhythm import Rhythm

LEAST_SEASONS = 1.5  # that must be known before a season is looked for
FADING = 0.85  # what a season weighs against the one after it: habits change
_SMOOTHING = np.array([0.25, 0.5, 0.25])
_TINY = 1e-12


def has_season(known: int, rhythm: Rhythm) -> bool:
    """Whether so many values are enough to look for one."""
    return rhythm.season > 1 and known >= LEAST_SEASONS * rhythm.season


def season_profile(values: Array, rhythm: Rhythm) -> Array:
    """What each phase adds, on the scale of `values`: (season,), phase 0 that of the first value. Sums to about 0."""
    period, known = rhythm.season, len(values)
    if not has_season(known, rhythm):
        return np.zeros(max(1, period))
    phases = np.arange(known) % period
    rest = values - _trend(values, period)
    weights = FADING ** ((known - 1 - np.arange(known)) // period)
    seen = np.bincount(phases, weights, minlength=period)
    profile = np.bincount(phases, weights * rest, minlength=period) / seen
    if rhythm.smooth_season:
        profile = np.convolve(np.concatenate((profile[-1:], profile, profile[:1])), _SMOOTHING, "valid")
    profile -= profile.mean()
    seasons = known / period * (2 if rhythm.smooth_season else 1)
    noise = float(np.var(rest - profile[phases])) / seasons
    signal = max(float(np.var(profile)) - noise, 0.0)
    return np.asarray(profile * (signal / (signal + noise + _TINY)))


def without_season(values: Array, rhythm: Rhythm) -> Array:
    """Values in points with their season taken out on a logarithmic scale."""
    profile = season_profile(np.log1p(values), rhythm)
    return np.asarray(np.expm1(np.log1p(values) - profile[np.arange(len(values)) % len(profile)]))


def _trend(values: Array, period: int) -> Array:
    """The centred moving average over one season, level within half a season of either end."""
    weights = np.ones(period) if period % 2 else np.concatenate(([0.5], np.ones(period - 1), [0.5]))
    half = len(weights) // 2
    inner = np.convolve(values, weights / period, "valid")
    return np.concatenate((np.full(half, inner[0]), inner, np.full(half, inner[-1])))
