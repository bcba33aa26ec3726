"""The seasonal profile of a series, by classical decomposition on the logarithmic scale.

There is no test for a season: the profile is shrunk by the share of its variance that noise does not explain (as by
James and Stein), so an uncertain season adds little. Profiles with different decays are mixed by how well each
predicted the known seasons.
"""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.smoothing import NOISE, weights

MIN_SEASONS = 1.5  # fewest known seasons for a profile
SEASON_DECAYS = np.array([0.5, 0.7, 0.85, 1.0])  # weight of a season relative to the next one
END_SLOPE_FACTOR = (
    0.5  # of a trend's slope beyond where it is known: of 0.3 to 0.7 all did alike, and better than level
)
_SMOOTHING = np.array([0.25, 0.5, 0.25])
_TINY = 1e-12


def has_season(known: int, periodicity: Periodicity) -> bool:
    """Whether `known` values are enough for a seasonal profile."""
    return periodicity.season > 1 and known >= MIN_SEASONS * periodicity.season


def season_profile(values: Array, periodicity: Periodicity) -> Array:
    """The profile on the scale of `values`: (season,), phase 0 is the first value's. Its mean is about 0."""
    period, known = periodicity.season, len(values)
    if not has_season(known, periodicity):
        return np.zeros(max(1, period))
    rest = values - _trend(values, period)
    profiles, losses = _decayed_profiles(rest, period)
    profile = weights(losses[None])[0] @ profiles
    if periodicity.smooth_season:
        profile = np.convolve(np.concatenate((profile[-1:], profile, profile[:1])), _SMOOTHING, "valid")
    profile -= profile.mean()
    seasons = known / period * (2 if periodicity.smooth_season else 1)
    noise = float(np.var(rest - profile[np.arange(known) % period])) / seasons
    signal = max(float(np.var(profile)) - noise, 0.0)
    return np.asarray(profile * (signal / (signal + noise + _TINY)))


def deseasonalise(values: Array, periodicity: Periodicity) -> Array:
    """Values in points without their season, which is removed on a logarithmic scale."""
    profile = season_profile(np.log1p(values), periodicity)
    return np.asarray(np.expm1(np.log1p(values) - profile[np.arange(len(values)) % len(profile)]))


def _decayed_profiles(rest: Array, period: int) -> tuple[Array, Array]:
    """The profile for each decay, (decays, period), and its mean absolute error when it predicts each season from the
    earlier ones, (decays,)."""
    decay = SEASON_DECAYS[:, None]
    sums, weight = np.zeros((2, len(SEASON_DECAYS), period))
    errors, seen = np.zeros(len(SEASON_DECAYS)), 0
    for start in range(0, len(rest), period):
        season = rest[start : start + period]
        count = len(season)
        if start:
            errors += np.abs(season - sums[:, :count] / weight[:, :count]).sum(axis=1)
            seen += count
        sums *= decay
        weight *= decay
        sums[:, :count] += season
        weight[:, :count] += 1
    return sums / weight, errors / max(seen, 1) + NOISE


def _trend(values: Array, period: int) -> Array:
    """The centred moving average over one season, continued with END_SLOPE_FACTOR of its slope to both ends."""
    kernel = np.ones(period) if period % 2 else np.concatenate(([0.5], np.ones(period - 1), [0.5]))
    half = len(kernel) // 2
    inner = np.convolve(values, kernel / period, "valid")
    ahead = END_SLOPE_FACTOR * np.arange(1, half + 1)
    before = inner[0] - ahead[::-1] * _slope(inner[: half + 1])
    return np.concatenate((before, inner, inner[-1] + ahead * _slope(inner[-half - 1 :])))


def _slope(part: Array) -> float:
    """Mean change from one value to the next."""
    return float((part[-1] - part[0]) / max(len(part) - 1, 1))
