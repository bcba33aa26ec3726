"""The seasonal profile of a series, by classical decomposition on the logarithmic scale.

A season is accepted as far as it recurred: each known season is predicted from the earlier ones, and the profile is
shrunk if that is worse than no season. It is also shrunk by the share of its variance that noise does not explain (as
by James and Stein). Profiles with different decays are mixed by how well each predicted the known seasons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.smoothing import NOISE, weights

MIN_SEASONS = 1.5  # fewest known seasons for a profile
SEASON_DECAYS = np.array([0.5, 0.7, 0.85, 1.0])  # weight of a season relative to the next one
END_SLOPE_FACTOR = (
    0.5  # of a trend's slope beyond where it is known: of 0.3 to 0.7 all did alike, and better than level
)
# Skill on held-out seasons (1 - error ÷ error without a season) at which nothing and all of a profile is accepted. A
# profile of one season has its noise, so that even a true season may be somewhat worse than none.
NO_SKILL, FULL_SKILL = -0.3, 0.0
_SMOOTHING = np.array([0.25, 0.5, 0.25])
_TINY = 1e-12


def has_season(known: int, periodicity: Periodicity) -> bool:
    """Whether `known` values are enough for a seasonal profile."""
    return periodicity.season > 1 and known >= MIN_SEASONS * periodicity.season


@dataclass(frozen=True)
class Season:
    """The seasonal reading of a series."""

    profile: Array  # on the scale of the values, shrunk: (season,), phase 0 is the first value's; its mean is about 0
    share: float  # the accepted share, 0 to 1: the season's probability
    loss: float  # mean absolute error of held-out seasons, with or without the profile, whichever is lower; 0 for none

    def over(self, count: int) -> Array:
        """The season of the first `count` values."""
        return self.profile[np.arange(count) % len(self.profile)]


def read_season(values: Array, periodicity: Periodicity) -> Season:
    """The season of `values`, (points,), which are on a logarithmic scale; a share of 0 where too few are known."""
    period, known = periodicity.season, len(values)
    if not has_season(known, periodicity):
        return Season(np.zeros(max(1, period)), 0.0, 0.0)
    rest = values - _trend(values, period)
    profiles, losses, without = _decayed_profiles(rest, period)
    recurs = float(np.clip((1 - losses.min() / without - NO_SKILL) / (FULL_SKILL - NO_SKILL), 0, 1))
    profile = weights(losses[None])[0] @ profiles
    if periodicity.smooth_season:
        profile = np.convolve(np.concatenate((profile[-1:], profile, profile[:1])), _SMOOTHING, "valid")
    profile -= profile.mean()
    seasons = known / period * (2 if periodicity.smooth_season else 1)
    noise = float(np.var(rest - profile[np.arange(known) % period])) / seasons
    signal = max(float(np.var(profile)) - noise, 0.0)
    share = recurs * signal / (signal + noise + _TINY)
    return Season(np.asarray(share * profile), share, min(float(losses.min()), without))


def season_profile(values: Array, periodicity: Periodicity) -> Array:
    """The profile of `read_season`: (season,)."""
    return read_season(values, periodicity).profile


def deseasonalise(values: Array, periodicity: Periodicity) -> Array:
    """Values in points without their season, which is removed on a logarithmic scale."""
    profile = season_profile(np.log1p(values), periodicity)
    return np.asarray(np.expm1(np.log1p(values) - profile[np.arange(len(values)) % len(profile)]))


def _decayed_profiles(rest: Array, period: int) -> tuple[Array, Array, float]:
    """The profile for each decay, (decays, period), its mean absolute error when it predicts each season from the
    earlier ones, (decays,), and that without a season."""
    decay = SEASON_DECAYS[:, None]
    sums, weight = np.zeros((2, len(SEASON_DECAYS), period))
    errors, without, seen = np.zeros(len(SEASON_DECAYS)), 0.0, 0
    for start in range(0, len(rest), period):
        season = rest[start : start + period]
        count = len(season)
        if start:
            errors += np.abs(season - sums[:, :count] / weight[:, :count]).sum(axis=1)
            without += float(np.abs(season).sum())
            seen += count
        sums *= decay
        weight *= decay
        sums[:, :count] += season
        weight[:, :count] += 1
    return sums / weight, errors / max(seen, 1) + NOISE, without / max(seen, 1) + NOISE


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
