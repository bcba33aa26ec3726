"""What was learned of all series. The figures are written by `python -m benchmarks.forecast.learn --write`.

Each reach was fitted by quantile regression on forecasts from earlier origins of the real exports.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Of lower 95 %, lower 80 %, upper 80 %, upper 95 %, in this order: base × step ** growth spreads."""

    base: tuple[float, float, float, float]
    growth: tuple[float, float, float, float]
    disagreement: float  # what the members' disagreement adds to the spread, in its size
    unrest: float  # the same of the last values' unrest
    point: float  # what a point more or less adds, in its size at the forecast's level
    event: float  # what is added for events not had yet, on the scale of intervals


SHORT = Reach((0.278, 0.139, 0.207, 0.467), (0.113, 0.147, 0.205, 0.137), 0.382, 2.342, 6.8, 1.181)
LONG = Reach((0.588, 0.342, 0.534, 1.182), (0.053, 0.07, 0.059, 0.069), 2.462, 0.298, 1.048, 0.072)
UNBOUNDED = Reach((0.705, 0.446, 0.574, 1.078), (0.04, 0.033, 0.053, 0.124), 3.729, 0.066, 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds.
CONFIDENCE = (0.318, 0.502)
# The correlation of any two steps' errors, for the mean over a horizon. By hand: on sources left out, 0.1 to 0.33 did
# alike in telling which directions come true, more did worse. Chosen anew without each source: 0.1 or 0.33.
STEPS_ALIKE = 0.33
# The same for a path that is drawn, of which each step counts: 0.6 to 1 do about as well.
TOGETHER = 0.8
