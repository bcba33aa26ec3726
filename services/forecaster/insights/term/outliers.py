"""Whether a remainder holds events that would distort the mean of a season's place."""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array

MIN_SEASONS = 3  # of two values neither is the outlier
# Standard deviations from the median of the same place in all seasons. Compared with other rules in
# benchmarks/JOURNAL.md.
_FAR = 6.0
_DEVIATION = 1.4826  # of normal values ÷ their median absolute deviation
_LEAST_DEVIATION = 0.5  # points: values are rounded to whole ones


def has_isolated_outliers(remainder: Array, period: int) -> bool:
    """Whether a single season stands out at a place, and at no place two of them do.

    `remainder` is that of plain STL, (periods,) in points. Where two seasons stand out at the same place, its height
    varies from season to season: robust weights would then remove the season's own peak.
    """
    count = len(remainder)
    if count < MIN_SEASONS * period:
        return False
    seasons = -(-count // period)
    padded = np.pad(remainder, (0, seasons * period - count), constant_values=np.nan)
    by_season = padded.reshape(seasons, period)
    distances = np.abs(by_season - np.nanmedian(by_season, axis=0))
    deviation = float(np.median(np.abs(remainder - np.median(remainder))))
    outliers = np.sum(distances > _FAR * _DEVIATION * max(_LEAST_DEVIATION, deviation), axis=0)
    return bool(outliers.max() == 1)
