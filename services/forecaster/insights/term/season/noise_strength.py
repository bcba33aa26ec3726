"""How strong a season STL finds in noise: the fewer seasons are known, the stronger."""

from __future__ import annotations

import numpy as np

from services.forecaster.insights.term.season import noise_table


def strength_of_noise(count: int, period: int) -> float:
    """The 99 % quantile of the seasonal strength of white noise of `count` values.

    Linear in 1 ÷ length between the lengths of the table; beyond its longest one that one's.
    """
    seasons = np.array(noise_table.SEASONS)
    return float(np.interp(-period / count, -1 / seasons, noise_table.STRENGTHS[period]))
