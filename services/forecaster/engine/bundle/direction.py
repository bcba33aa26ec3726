"""The direction of a forecast, by the contract's rule."""

from __future__ import annotations

import numpy as np

from services.common.change_band import change_band
from services.forecaster.engine.history import Array

VOLATILE_POINTS = 10.0  # volatile: a standard deviation of the last points above the larger of this …
VOLATILE_SHARE = 0.35  # … and this share of their mean


def recent(values: Array, horizon: int) -> Array:
    """The last `horizon` actual points, or as many as there are."""
    return values[-horizon:]


def direction_of(values: Array, forecast: Array) -> str:
    """rising, falling, volatile or stable.

    A horizon's mean outside the stable band is rising or falling. Within the band, a series whose last points vary
    widely is volatile, else stable.
    """
    level, band = stable_band(values, len(forecast))
    change = float(forecast.mean()) - level
    if abs(change) > band:
        return "rising" if change > 0 else "falling"
    swings = float(np.std(recent(values, len(forecast)))) > max(VOLATILE_POINTS, VOLATILE_SHARE * level)
    return "volatile" if swings else "stable"


def stable_band(values: Array, horizon: int) -> tuple[float, float]:
    """The mean of the last `horizon` actual points, and the half-width of the band around it that counts as stable."""
    level = float(recent(values, horizon).mean())
    return level, change_band(level)
