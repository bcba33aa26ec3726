"""What was learned of all series. The figures are written by `python -m benchmarks.forecast.learn --write`.

Each reach was fitted by quantile regression on forecasts from earlier origins of the real exports, every source
repository counting alike, and then widened or narrowed by half of what forecasts for a source left out had needed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Of lower 95 %, lower 80 %, upper 80 %, upper 95 %, in this order: base × step ** growth spreads."""

    base: tuple[float, float, float, float]
    growth: tuple[float, float, float, float]
    point: float  # what a point more or less adds to the spread, in its size at the forecast's level
    event: float  # what is added for events not had yet, on the scale of intervals


SHORT = Reach((0.305, 0.125, 0.299, 0.774), (0.086, 0.093, 0.278, 0.052), 3.556, 1.685)
SHORT_WEEKLY = Reach((0.347, 0.14, 0.333, 0.876), (0.086, 0.093, 0.278, 0.052), 3.556, 1.685)
DAILY = Reach((0.294, 0.116, 0.278, 0.751), (0.086, 0.093, 0.278, 0.052), 3.556, 1.685)
LONG_WEEKLY = Reach((0.753, 0.381, 0.768, 1.375), (0.053, 0.097, 0.04, 0.032), 5.01, 0.0)
LONG_MONTHLY = Reach((0.685, 0.299, 0.633, 1.24), (0.053, 0.097, 0.04, 0.032), 5.01, 0.0)
UNBOUNDED = Reach((1.242, 0.669, 1.21, 2.702), (0.015, 0.039, -0.021, -0.071), 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds, and the share of forecasts that
# an event decides instead.
CONFIDENCE = (0.111, 1.378, 0.192)
# The correlation of any two steps' errors, of which a path errs mostly one way. By hand: 0.6 to 1 do about as well.
TOGETHER = 0.8
