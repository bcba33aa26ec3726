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
    point: float  # what a point more or less adds, in its size at the forecast's level
    event: float  # what is added for events not had yet, on the scale of intervals


SHORT = Reach((0.299, 0.168, 0.248, 0.625), (0.143, 0.12, 0.197, 0.097), 4.16, 6.47, 0.806)
LONG = Reach((0.631, 0.367, 0.572, 1.263), (0.048, 0.061, 0.052, 0.065), 2.79, 0.938, 0.087)
UNBOUNDED = Reach((0.709, 0.445, 0.584, 1.088), (0.04, 0.035, 0.051, 0.124), 3.877, 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds.
CONFIDENCE = (0.326, 0.479)
# The correlation of any two steps' errors, for the mean over a horizon. By hand: on sources left out, 0.1 to 0.33 did
# alike in telling which directions come true, more did worse. Chosen anew without each source: 0.1 or 0.33.
STEPS_ALIKE = 0.33
# The same for a path that is drawn, of which each step counts: 0.6 to 1 do about as well.
TOGETHER = 0.8
