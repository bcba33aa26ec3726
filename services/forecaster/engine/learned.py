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


SHORT = Reach((0.307, 0.122, 0.285, 0.79), (0.085, 0.095, 0.299, 0.053), 3.465, 1.673)
SHORT_WEEKLY = Reach((0.348, 0.138, 0.32, 0.891), (0.085, 0.095, 0.299, 0.053), 3.465, 1.673)
DAILY = Reach((0.295, 0.11, 0.259, 0.767), (0.085, 0.095, 0.299, 0.053), 3.465, 1.673)
LONG_WEEKLY = Reach((0.752, 0.349, 0.785, 1.373), (0.049, 0.122, 0.031, 0.023), 5.181, 0.0)
LONG_MONTHLY = Reach((0.702, 0.268, 0.637, 1.28), (0.049, 0.122, 0.031, 0.023), 5.181, 0.0)
UNBOUNDED = Reach((1.271, 0.648, 1.221, 2.795), (0.009, 0.042, -0.032, -0.086), 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds.
CONFIDENCE = (0.224, 0.448)
# The correlation of any two steps' errors, for the mean over a horizon. By hand: on sources left out, 0.1 to 0.33 did
# alike in telling which directions come true, more did worse. Chosen anew without each source: 0.1 or 0.33.
STEPS_ALIKE = 0.33
# The same for a path that is drawn, of which each step counts: 0.6 to 1 do about as well.
TOGETHER = 0.8
