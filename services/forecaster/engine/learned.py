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


SHORT = Reach((0.318, 0.128, 0.289, 0.8), (0.084, 0.089, 0.3, 0.048), 3.483, 1.643)
SHORT_WEEKLY = Reach((0.361, 0.143, 0.323, 0.905), (0.084, 0.089, 0.3, 0.048), 3.483, 1.643)
DAILY = Reach((0.308, 0.116, 0.264, 0.777), (0.084, 0.089, 0.3, 0.048), 3.483, 1.643)
LONG_WEEKLY = Reach((0.8, 0.418, 0.788, 1.355), (0.046, 0.084, 0.025, 0.035), 4.704, 0.0)
LONG_MONTHLY = Reach((0.725, 0.328, 0.657, 1.236), (0.046, 0.084, 0.025, 0.035), 4.704, 0.0)
UNBOUNDED = Reach((1.286, 0.651, 1.236, 2.767), (0.012, 0.047, -0.043, -0.082), 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds.
CONFIDENCE = (0.249, 0.443)
# The correlation of any two steps' errors, for the mean over a horizon. By hand: on sources left out, 0.1 to 0.33 did
# alike in telling which directions come true, more did worse. Chosen anew without each source: 0.1 or 0.33.
STEPS_ALIKE = 0.33
# The same for a path that is drawn, of which each step counts: 0.6 to 1 do about as well.
TOGETHER = 0.8
