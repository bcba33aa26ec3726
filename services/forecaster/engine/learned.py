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


SHORT = Reach((0.32, 0.135, 0.292, 0.802), (0.071, 0.097, 0.301, 0.054), 3.566, 1.616)
SHORT_WEEKLY = Reach((0.362, 0.152, 0.326, 0.903), (0.071, 0.097, 0.301, 0.054), 3.566, 1.616)
DAILY = Reach((0.31, 0.123, 0.266, 0.778), (0.071, 0.097, 0.301, 0.054), 3.566, 1.616)
LONG_WEEKLY = Reach((0.66, 0.402, 0.62, 1.156), (0.085, 0.053, 0.143, 0.102), 5.916, 0.0)
LONG_MONTHLY = Reach((0.664, 0.354, 0.553, 1.13), (0.085, 0.053, 0.143, 0.102), 5.916, 0.0)
UNBOUNDED = Reach((1.298, 0.754, 1.196, 2.608), (0.011, -0.011, 0.038, -0.027), 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds, and the share of forecasts that
# an event decides instead.
CONFIDENCE = (0.021, 1.511, 0.182)
# The correlation of any two steps' errors, of which a path errs mostly one way. By hand: 0.6 to 1 do about as well.
TOGETHER = 0.8
