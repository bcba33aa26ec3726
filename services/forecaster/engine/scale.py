"""The two scales that the engine computes on.

Forecasts are made on a logarithmic one: search interest varies in proportion to its level. Intervals are made on one
that also has a ceiling, the logarithm of the odds of a value between just below 0 and a little above 100, so that a
band near the top is lopsided as real errors there are. What lies beyond [0, 100] after all is cut. Without a ceiling it
is the logarithm up to the largest value known and straight beyond, or a wide band would end a thousand times as high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

# Both in points. Offsets of 1 to 5 and ceilings of 100 to 200 did about as well: benchmarks/forecast/learn.py.
OFFSET = 2.0  # below 0: a "<1" of an export is no abyss
ROOM = 30.0  # above 100
_HIGHEST = float(np.log(100 + OFFSET))  # the largest value known, as a logarithm, where there is no ceiling


@dataclass(frozen=True)
class Scale:
    """Of values in points. Without `bounded` there is no ceiling, and the largest value known counts as 100."""

    bounded: bool = True
    unit: float = 1.0  # what one point is
    linear: bool = False  # for values below 0, which only unbounded ones can be

    @classmethod
    def unbounded(cls, values: Array) -> Scale:
        """For any finite values."""
        return cls(False, float(np.abs(values).max(initial=0.0)) / 100 or 1.0, bool((values < 0).any()))

    def to_log(self, values: Array) -> Array:
        """Onto the scale that forecasts are made on."""
        points = values / self.unit
        return points if self.linear else np.log(np.maximum(points, 0) + OFFSET)

    def from_log(self, logs: Array) -> Array:
        """Back to values within bounds."""
        return self.cut(self.unit * (logs if self.linear else np.exp(np.minimum(logs, 50)) - OFFSET))

    def to_odds(self, values: Array) -> Array:
        """Onto the scale that intervals are made on."""
        if not self.bounded:
            logs = self.to_log(values)
            return logs if self.linear else np.where(logs > _HIGHEST, _HIGHEST + np.expm1(logs - _HIGHEST), logs)
        points = np.clip(values, 0, 100)
        return np.log((points + OFFSET) / (100 + ROOM - points))

    def from_odds(self, odds: Array) -> Array:
        """Back to values within bounds."""
        if not self.bounded:
            beyond = np.log1p(np.maximum(odds - _HIGHEST, 0))
            return self.from_log(odds if self.linear else np.minimum(odds, _HIGHEST) + beyond)
        share = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        return self.cut((100 + ROOM + OFFSET) * share - OFFSET)

    def cut(self, values: Array) -> Array:
        """To what values can be."""
        if self.bounded:
            return np.clip(values, 0, 100)
        return values if self.linear else np.maximum(values, 0)


BOUNDED = Scale()
