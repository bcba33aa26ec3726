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


SHORT = SpreadMultipliers((0.273, 0.141, 0.205, 0.486), (0.108, 0.144, 0.215, 0.145), 1.604, 1.518, 4.348, 0.876)
LONG = SpreadMultipliers((0.606, 0.356, 0.548, 1.22), (0.065, 0.079, 0.064, 0.065), 1.96, 0.301, 1.027, 0.065)
UNBOUNDED = SpreadMultipliers((1.101, 0.626, 0.761, 1.233), (0.074, 0.089, 0.056, 0.07), 1.373, 0.077, 0.0, 0.0)

# Constant, slope and weight of the season's probability that calibrate the log-odds of a direction.
CONFIDENCE = (0.172, 0.49, 0.371)
# Correlation of the errors of two steps, for the mean over a horizon. Set by hand.
STEP_CORRELATION = 0.33
# The same within a drawn path, where each step counts. Set by hand.
PATH_STEP_CORRELATION = 0.8
