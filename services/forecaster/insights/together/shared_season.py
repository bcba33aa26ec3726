"""Whether two terms have the same season."""

from __future__ import annotations

import math

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import Season

ALIKE = math.sqrt(0.5)  # correlation from which each profile explains half of the other's variance
ALIKE_AT_PEAK = 0.5  # the same for profiles with their highest places near each other
NEAR = 1 / 12  # of a season: a month of a year, two hours of a day


def share_season(a: Analysis, b: Analysis, season_a: Season | None, season_b: Season | None) -> bool | None:
    """Whether both seasons are accepted, and agree.

    None where fewer than two seasons of a term are known.
    """
    if a.components is None or b.components is None:
        return None
    if season_a is None or season_b is None:
        return False
    return _agree(a.components.profile, b.components.profile)


def _agree(a: Array, b: Array) -> bool:
    """Whether two profiles, (period,) each, are correlated and high at the same time.

    A season may have several peaks of nearly the same height. Its highest place may then be far from the other's.
    """
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    correlation = float(a @ b) / scale if scale > 0 else 0.0
    period = len(a)
    near, apart = max(1, round(period * NEAR)), abs(int(np.argmax(a)) - int(np.argmax(b)))
    if min(apart, period - apart) <= near:
        return correlation >= ALIKE_AT_PEAK
    return correlation >= ALIKE and _high_near_peak(a, b, near) and _high_near_peak(b, a, near)


def _high_near_peak(profile: Array, other: Array, near: int) -> bool:
    """Whether a profile is above its mean, 0, near the peak of the other."""
    places = np.arange(-near, near + 1) + int(np.argmax(other))
    return bool(profile[places % len(profile)].max() > 0)
