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


SHORT = SpreadMultipliers((0.27, 0.14, 0.204, 0.483), (0.109, 0.145, 0.215, 0.144), 1.623, 1.526, 4.375, 0.885)
LONG = SpreadMultipliers((0.596, 0.355, 0.549, 1.207), (0.064, 0.074, 0.061, 0.067), 2.144, 0.278, 1.049, 0.063)
UNBOUNDED = SpreadMultipliers((1.063, 0.606, 0.728, 1.19), (0.071, 0.087, 0.057, 0.08), 1.467, 0.099, 0.0, 0.0)

# Constant, slope and weight of the season's probability that calibrate the log-odds of a direction.
CONFIDENCE = (0.196, 0.473, 0.373)
# Correlation of the errors of two steps, for the mean over a horizon. Set by hand.
STEP_CORRELATION = 0.33
# The same within a drawn path, where each step counts. Set by hand.
PATH_STEP_CORRELATION = 0.8
