"""Figures fitted over all series, written by `python -m benchmarks.forecast.learn --write`.

The multipliers are fitted by quantile regression on forecasts of real exports from several origins. There are no hourly
exports; hourly series use SHORT. How the hand-set figures were chosen: benchmarks/JOURNAL.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SpreadMultipliers:
    """Distances of lower 95 %, lower 80 %, upper 80 %, upper 95 % from the forecast: base × step ** growth spreads."""

    base: tuple[float, float, float, float]
    growth: tuple[float, float, float, float]
    disagreement: float  # weight of the members' disagreement in the spread
    recent_deviation: float  # weight of the last values' deviation from the last one
    point: float  # weight of the width of one point at the forecast's level
    event: float  # constant for events the series has not had yet, on the interval scale


SHORT = SpreadMultipliers((0.247, 0.133, 0.187, 0.442), (0.129, 0.131, 0.213, 0.126), 1.367, 1.906, 7.366, 0.893)
LONG = SpreadMultipliers((0.567, 0.331, 0.513, 1.149), (0.054, 0.071, 0.063, 0.069), 2.449, 0.298, 1.027, 0.076)
UNBOUNDED = SpreadMultipliers((0.689, 0.438, 0.56, 1.042), (0.04, 0.031, 0.054, 0.126), 3.725, 0.067, 0.0, 0.0)

# Constant and slope that calibrate the log-odds of a direction.
CONFIDENCE = (0.321, 0.488)
# Correlation of the errors of two steps, for the mean over a horizon. Set by hand.
STEP_CORRELATION = 0.33
# The same within a drawn path, where each step counts. Set by hand.
PATH_STEP_CORRELATION = 0.8
