"""The two scales that the engine computes on.

Point forecasts use a logarithmic scale, because search interest varies in proportion to its level. Intervals use a
logit scale between -OFFSET and 100 + HEADROOM, so that intervals near a bound are asymmetric, as real errors are there.
Results are clipped to [0, 100]. Without bounds the interval scale is logarithmic up to the largest known value and
linear above it, which keeps wide intervals finite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

# Both in points, chosen with benchmarks/forecast/learn.py: offsets of 1 to 5 and ceilings of 100 to 200 score alike.
OFFSET = 2.0  # keeps the logarithm of a "<1" finite
HEADROOM = 30.0
_HIGHEST = float(np.log(100 + OFFSET))  # log of the largest known value, where there are no bounds


@dataclass(frozen=True)
class Scale:
    """Conversions of values in points. Without `bounded` there is no upper bound and the largest known value is 100."""

    bounded: bool = True
    unit: float = 1.0  # size of one point
    linear: bool = False  # for negative values, which only unbounded series have

    @classmethod
    def unbounded(cls, values: Array) -> Scale:
        """The scale for any finite values."""
        return cls(False, float(np.abs(values).max(initial=0.0)) / 100 or 1.0, bool((values < 0).any()))

    def to_log(self, values: Array) -> Array:
        """To the scale of point forecasts."""
        points = values / self.unit
        return points if self.linear else np.log(np.maximum(points, 0) + OFFSET)

    def from_log(self, logs: Array) -> Array:
        """Back to values within bounds."""
        return self.clip(self.unit * (logs if self.linear else np.exp(np.minimum(logs, 50)) - OFFSET))

    def to_logit(self, values: Array) -> Array:
        """To the scale of intervals."""
        if not self.bounded:
            logs = self.to_log(values)
            return logs if self.linear else np.where(logs > _HIGHEST, _HIGHEST + np.expm1(logs - _HIGHEST), logs)
        points = np.clip(values, 0, 100)
        return np.log((points + OFFSET) / (100 + HEADROOM - points))

    def from_logit(self, odds: Array) -> Array:
        """Back to values within bounds."""
        if not self.bounded:
            beyond = np.log1p(np.maximum(odds - _HIGHEST, 0))
            return self.from_log(odds if self.linear else np.minimum(odds, _HIGHEST) + beyond)
        share = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        return self.clip((100 + HEADROOM + OFFSET) * share - OFFSET)

    def clip(self, values: Array) -> Array:
        """To the valid range of values."""
        if self.bounded:
            return np.clip(values, 0, 100)
        return values if self.linear else np.maximum(values, 0)


BOUNDED = Scale()
