"""Where a forecast goes: the contract's rule, and what `volatile` means in it."""

from __future__ import annotations

import numpy as np

from services.common.change_band import change_band
from services.forecaster.engine.history import Array

VOLATILE_POINTS = 10.0  # standard deviation of the last actual points that is volatile: the larger of this …
VOLATILE_SHARE = 0.35  # … and this share of their mean


def recent(values: Array, horizon: int) -> Array:
    """The last `horizon` actual points, or as many as there are."""
    return values[-horizon:]


def direction_of(values: Array, forecast: Array) -> str:
    """rising, falling, volatile or stable.

    The horizon's mean against that of the last as many actual points decides between rising and falling. Between the
    two, `volatile` is a series whose recent points swing too widely for "stable" to mean anything.
    """
    level, band = band_of(values, len(forecast))
    change = float(forecast.mean()) - level
    if abs(change) > band:
        return "rising" if change > 0 else "falling"
    swings = float(np.std(recent(values, len(forecast)))) > max(VOLATILE_POINTS, VOLATILE_SHARE * level)
    return "volatile" if swings else "stable"


def band_of(values: Array, horizon: int) -> tuple[float, float]:
    """The mean of the last `horizon` actual points, and how far from it is no change."""
    level = float(recent(values, horizon).mean())
    return level, change_band(level)
