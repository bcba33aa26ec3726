"""What was learned of all series. The figures are written by `python -m benchmarks.forecast.learn --write`.

Each reach was fitted by quantile regression on forecasts of the real exports, last origins and earlier ones. No hourly
series was among them: those are taken for short ones.
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


SHORT = Reach((0.247, 0.133, 0.187, 0.442), (0.129, 0.131, 0.213, 0.126), 1.367, 1.906, 7.366, 0.893)
LONG = Reach((0.567, 0.331, 0.513, 1.149), (0.054, 0.071, 0.063, 0.069), 2.449, 0.298, 1.027, 0.076)
UNBOUNDED = Reach((0.689, 0.438, 0.56, 1.042), (0.04, 0.031, 0.054, 0.126), 3.725, 0.067, 0.0, 0.0)

# Of a direction coming true: constant and slope that correct the intervals' log-odds.
CONFIDENCE = (0.321, 0.488)
# The correlation of any two steps' errors, for the mean over a horizon. By hand: on sources left out, 0.1 to 0.33 did
# alike in telling which directions come true, more did worse. Chosen anew without each source: 0.1 or 0.33.
STEPS_ALIKE = 0.33
# The same for a path that is drawn, of which each step counts. By hand: who wins comes out as well with 0.6 to 1,
# whether the lead changes best with 0.8 (Brier 0.117, 0.112, 0.135 with 0.6, 0.8 and 1).
TOGETHER = 0.8
