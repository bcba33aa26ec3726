"""Whether two terms have the same season."""

from __future__ import annotations

import math

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import Season

SHARED = math.sqrt(0.5)  # correlation from which each profile explains half of the other's variance
NEAR = 1 / 12  # of a season: a month of a year, two hours of a day


def share_season(a: Analysis, b: Analysis, season_a: Season | None, season_b: Season | None) -> bool | None:
    """Whether both seasons are accepted, their profiles agree, and each is high near the other's peak.

    None where fewer than two seasons of a term are known.
    """
    if a.components is None or b.components is None:
        return None
    if season_a is None or season_b is None:
        return False
    profile_a, profile_b = (profile - profile.mean() for profile in (a.components.profile, b.components.profile))
    scale = math.sqrt(float(profile_a @ profile_a) * float(profile_b @ profile_b))
    agree = float(profile_a @ profile_b) >= SHARED * scale > 0
    return agree and _high_near_peak(profile_a, profile_b) and _high_near_peak(profile_b, profile_a)


def _high_near_peak(profile: Array, other: Array) -> bool:
    """Whether a profile is above its mean, 0, near the peak of the other.

    A season may have several peaks of nearly the same height, so the highest ones need not be near each other.
    """
    period, near = len(profile), max(1, round(len(profile) * NEAR))
    places = np.arange(-near, near + 1) + int(np.argmax(other))
    return bool(profile[places % period].max() > 0)
