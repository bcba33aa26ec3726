"""The drift of a series: the slope of its last values, accepted as far as slopes predicted the latest values.

Members follow a steady slope late. A line through the last values, damped, replaces their combination in proportion to
its skill: how much less than recent levels the lines at earlier origins have erred.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.seasonality import season_profile
from services.forecaster.engine.points.smoothing import NOISE

DAMPING = 0.97  # share of the slope that remains after each step
NO_SKILL, FULL_SKILL = 0.2, 0.6  # 1 - error ÷ error of recent levels, at which none and all of a drift is accepted
_LEVEL_POINTS = 4  # their mean is the recent level


def follow_drift(combined: Array, values: Array, periodicity: Periodicity, origins: Sequence[int]) -> Array:
    """`combined` with the accepted share of each origin's drift: (origins, steps) on the logarithmic scale.

    `values` are (points,). A drift starts at the combination's first step, and the season is added to it.
    """
    window = periodicity.drift_window
    followed = combined.copy()
    for row, origin in enumerate(origins) if window else ():
        if origin < 3 * window:
            continue
        profile = season_profile(values[:origin], periodicity)
        rest = values[:origin] - profile[np.arange(origin) % len(profile)]
        slope, share = _slope_and_share(rest[-3 * window :], window)
        if share:
            steps = combined.shape[1]
            season = profile[np.arange(origin, origin + steps) % len(profile)]
            line = slope * _damped(steps) + season
            followed[row] += share * (line - line[0] + combined[row, 0] - combined[row])
    return followed


def _slope_and_share(rest: Array, window: int) -> tuple[float, float]:
    """The last slope per step, and the accepted share of it, from three windows without their season.

    Lines fitted in the first two windows predict the last one, each value from the line that ends `window` before it.
    """
    place = np.arange(window) - (window - 1) / 2
    parts = sliding_window_view(rest, window)
    slopes = parts @ (place / (place @ place))
    past, actual = slice(1, window + 1), rest[-window:]
    lines = parts[past].mean(axis=1) + slopes[past] * ((window - 1) / 2 + _damped(window)[-1])
    levels = parts[past, -_LEVEL_POINTS:].mean(axis=1)
    error, error_of_levels = (np.abs(actual - forecast).mean() + NOISE for forecast in (lines, levels))
    skill = 1 - error / error_of_levels
    return float(slopes[-1]), float(np.clip((skill - NO_SKILL) / (FULL_SKILL - NO_SKILL), 0, 1))


def _damped(steps: int) -> Array:
    """Sums of the damped slope up to each step."""
    return np.cumsum(DAMPING ** np.arange(1, steps + 1))
