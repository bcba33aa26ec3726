"""Whether two terms have the same season."""

from __future__ import annotations

import math

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import Season

SHARED = math.sqrt(0.5)  # correlation from which each profile explains half of the other's variance
_NEAR = 1 / 12  # of a season: a month of a year, two hours of a day


def share_season(a: Analysis, b: Analysis, season_a: Season | None, season_b: Season | None) -> bool | None:
    """Whether both seasons are accepted, their profiles agree and their peaks are near each other.

    None where fewer than two seasons of a term are known.
    """
    if a.components is None or b.components is None:
        return None
    if season_a is None or season_b is None:
        return False
    return _agree(a.components.profile, b.components.profile)


def _agree(a: Array, b: Array) -> bool:
    period = len(a)
    apart = abs(int(np.argmax(a)) - int(np.argmax(b)))
    near = max(1, round(period * _NEAR))
    return min(apart, period - apart) <= near and float(np.corrcoef(a, b)[0, 1]) >= SHARED
