"""Trend, season and remainder by STL (Cleveland et al., 1990) with a periodic season."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from statsmodels.tsa.seasonal import STL

from services.forecaster.engine.history import Array

MIN_SEASONS = 2
TREND_PERIODS = 1.5  # length of the trend's smoothing window
LONG = 1000  # values; in longer series the trend is estimated at fewer dates, which bounds the CPU time
# Standard deviation, in points, below which a component is only rounding: it would be written as 0.0.
_ROUNDING = 0.05


class Method(StrEnum):
    """How the components were estimated."""

    PLAIN = "stl"
    ROBUST = "robust-stl"  # outliers have little weight


# As R's stl; but 3 instead of 15 robust iterations, which take a quarter of the CPU time.
_ITERATIONS = {
    Method.PLAIN: {"inner_iter": 2, "outer_iter": 0},
    Method.ROBUST: {"inner_iter": 1, "outer_iter": 3},
}


@dataclass(frozen=True)
class Components:
    """`trend + seasonal + remainder` is the series; shapes (periods,), in points."""

    trend: Array
    seasonal: Array
    remainder: Array
    weights: Array  # 0 to 1: robust weights, (periods,); 1 for plain STL
    period: int
    method: Method

    @property
    def profile(self) -> Array:
        """The season's effect by phase, (period,); phase 0 is that of the first value."""
        return self.seasonal[: self.period]

    @property
    def lowest_weight(self) -> float:
        """The lowest mean weight of what STL estimates one value from: a place in all seasons, or dates in a row.

        The dates are half of the trend's window: a longer event is a change of the level, which the trend follows.
        """
        phases, window = np.arange(len(self.weights)) % self.period, math.ceil(TREND_PERIODS / 2 * self.period)
        by_place = np.bincount(phases, self.weights) / np.bincount(phases)
        in_a_row = np.convolve(self.weights, np.full(window, 1 / window), "valid")
        return float(min(by_place.min(), in_a_row.min()))

    @property
    def seasonal_strength(self) -> float:
        """0 to 1 (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 4.3)."""
        return _strength(self.remainder, self.seasonal)

    @property
    def trend_strength(self) -> float:
        """0 to 1, see seasonal_strength."""
        return _strength(self.remainder, self.trend)


def decompose(values: Array, period: int, method: Method = Method.PLAIN) -> Components | None:
    """The components of `values`, (periods,) in points; None where fewer than two seasons are known."""
    count = len(values)
    if period < 2 or count < MIN_SEASONS * period:
        return None
    rounded = math.ceil if count > LONG else math.floor
    stl = STL(
        values,
        period=period,
        # A window far longer than the series makes every cycle of the season alike, so that its ends are enough.
        seasonal=10 * count + 1,
        seasonal_deg=0,
        seasonal_jump=count,
        # A tenth of the smoothing windows, as R's stl.
        trend_jump=max(1, rounded(TREND_PERIODS * period / 10)),
        low_pass_jump=max(1, rounded(period / 10)),
        robust=method is Method.ROBUST,
    )
    fit = stl.fit(**_ITERATIONS[method])
    trend, seasonal, remainder = (np.asarray(part) for part in (fit.trend, fit.seasonal, fit.resid))
    return Components(trend, seasonal, remainder, np.asarray(fit.weights), period, method)


def _strength(remainder: Array, component: Array) -> float:
    total = float(np.var(component + remainder))
    return max(0.0, 1 - float(np.var(remainder)) / total) if total > _ROUNDING**2 else 0.0
