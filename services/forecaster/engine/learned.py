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


SHORT = Reach((0.325, 0.139, 0.305, 0.814), (0.076, 0.114, 0.296, 0.053), 3.49, 1.548)
SHORT_WEEKLY = Reach((0.367, 0.155, 0.338, 0.918), (0.076, 0.114, 0.296, 0.053), 3.49, 1.548)
DAILY = Reach((0.313, 0.131, 0.286, 0.787), (0.076, 0.114, 0.296, 0.053), 3.49, 1.548)
LONG_WEEKLY = Reach((0.66, 0.408, 0.614, 1.165), (0.083, 0.039, 0.145, 0.098), 6.077, 0.0)
LONG_MONTHLY = Reach((0.655, 0.356, 0.541, 1.125), (0.083, 0.039, 0.145, 0.098), 6.077, 0.0)
UNBOUNDED = Reach((1.307, 0.739, 1.193, 2.665), (0.005, -0.002, 0.037, -0.037), 0.0, 0.0)

# Log-odds of a direction coming true: constant + slope × those that the intervals alone give.
CONFIDENCE = (0.023, 0.936)
# The correlation of any two steps' errors, of which a path errs mostly one way. By hand: 0.6 to 1 do about as well.
TOGETHER = 0.8
