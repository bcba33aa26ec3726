"""Trend, season and remainder by STL with a periodic season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.tsa.seasonal import STL

from services.forecaster.engine.history import Array

MIN_SEASONS = 2


@dataclass(frozen=True)
class Components:
    """`trend + seasonal + remainder` is the series; shapes (periods,), in points."""

    trend: Array
    seasonal: Array
    remainder: Array
    period: int

    @property
    def profile(self) -> Array:
        """The season's effect by phase, (period,); phase 0 is that of the first value."""
        return self.seasonal[: self.period]

    @property
    def seasonal_strength(self) -> float:
        """0 to 1 (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 4.3)."""
        return _strength(self.remainder, self.seasonal)

    @property
    def trend_strength(self) -> float:
        """0 to 1, see seasonal_strength."""
        return _strength(self.remainder, self.trend)


def decompose(values: Array, period: int) -> Components | None:
    """The components of `values`, (periods,) in points; None where fewer than two seasons are known."""
    count = len(values)
    if period < 2 or count < MIN_SEASONS * period:
        return None
    # A window far longer than the series makes every cycle of the season alike.
    fit = STL(values, period=period, seasonal=10 * count + 1, seasonal_deg=0).fit()
    return Components(np.asarray(fit.trend), np.asarray(fit.seasonal), np.asarray(fit.resid), period)


def _strength(remainder: Array, component: Array) -> float:
    total = float(np.var(component + remainder))
    return max(0.0, 1 - float(np.var(remainder)) / total) if total > 0 else 0.0
