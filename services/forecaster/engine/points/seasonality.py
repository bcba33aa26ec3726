"""The season of a series: what each phase adds, as far as it stands out of the noise.

Classical decomposition on the engine's scale. Whether there is a season is not a yes or no: the profile is shrunk by
the share of its variance that noise does not explain (as by James and Stein), so a doubtful season adds little. Nor is
how fast it changes: profiles that forget at different rates are mixed by how well each foretold the seasons known.
"""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.smoothing import NOISE, weights

LEAST_SEASONS = 1.5  # that must be known before a season is looked for
FADINGS = np.array([0.5, 0.7, 0.85, 1.0])  # what a season weighs against the one after it: habits change
ENDS_GO_ON = 0.5  # of a trend's slope beyond where it is known: of 0.3 to 0.7 all did alike, and better than level
_SMOOTHING = np.array([0.25, 0.5, 0.25])
_TINY = 1e-12


def has_season(known: int, periodicity: Periodicity) -> bool:
    """Whether so many values are enough to look for one."""
    return periodicity.season > 1 and known >= LEAST_SEASONS * periodicity.season


def season_profile(values: Array, periodicity: Periodicity) -> Array:
    """What each phase adds, on the scale of `values`: (season,), phase 0 that of the first value. Sums to about 0."""
    period, known = periodicity.season, len(values)
    if not has_season(known, periodicity):
        return np.zeros(max(1, period))
    rest = values - _trend(values, period)
    profiles, losses = _foretelling(rest, period)
    profile = weights(losses[None])[0] @ profiles
    if periodicity.smooth_season:
        profile = np.convolve(np.concatenate((profile[-1:], profile, profile[:1])), _SMOOTHING, "valid")
    profile -= profile.mean()
    seasons = known / period * (2 if periodicity.smooth_season else 1)
    noise = float(np.var(rest - profile[np.arange(known) % period])) / seasons
    signal = max(float(np.var(profile)) - noise, 0.0)
    return np.asarray(profile * (signal / (signal + noise + _TINY)))


def without_season(values: Array, periodicity: Periodicity) -> Array:
    """Values in points with their season taken out on a logarithmic scale."""
    profile = season_profile(np.log1p(values), periodicity)
    return np.asarray(np.expm1(np.log1p(values) - profile[np.arange(len(values)) % len(profile)]))


def _foretelling(rest: Array, period: int) -> tuple[Array, Array]:
    """The profile by each fading, (fadings, period), and the mean absolute error with which it foretold each season
    from those before, (fadings,)."""
    fading = FADINGS[:, None]
    sums, weight = np.zeros((2, len(FADINGS), period))
    missed, seen = np.zeros(len(FADINGS)), 0
    for start in range(0, len(rest), period):
        season = rest[start : start + period]
        count = len(season)
        if start:
            missed += np.abs(season - sums[:, :count] / weight[:, :count]).sum(axis=1)
            seen += count
        sums *= fading
        weight *= fading
        sums[:, :count] += season
        weight[:, :count] += 1
    return sums / weight, missed / max(seen, 1) + NOISE


def _trend(values: Array, period: int) -> Array:
    """The centred moving average over one season; within half a season of either end it goes on, but less steeply."""
    kernel = np.ones(period) if period % 2 else np.concatenate(([0.5], np.ones(period - 1), [0.5]))
    half = len(kernel) // 2
    inner = np.convolve(values, kernel / period, "valid")
    ahead = ENDS_GO_ON * np.arange(1, half + 1)
    before = inner[0] - ahead[::-1] * _slope(inner[: half + 1])
    return np.concatenate((before, inner, inner[-1] + ahead * _slope(inner[-half - 1 :])))


def _slope(part: Array) -> float:
    """Mean change from one value to the next."""
    return float((part[-1] - part[0]) / max(len(part) - 1, 1))
