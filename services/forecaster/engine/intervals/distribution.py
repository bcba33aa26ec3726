"""The predictive distribution behind a forecast's intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.learned import STEP_CORRELATION
from services.forecaster.engine.intervals.prediction_intervals import Intervals

# Normal scores of lower 95 %, lower 80 %, the forecast, upper 80 % and upper 95 %.
SCORES = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])
_GRID = np.linspace(-4, 4, 161)
_DENSITY = np.exp(-(_GRID**2) / 2) / np.exp(-(_GRID**2) / 2).sum()
_DECIMALS = 6  # of means compared with a threshold, so that rounding errors decide nothing


@dataclass(frozen=True)
class Distribution:
    """Quantiles at SCORES for each step, shape (steps, 5). Linear between scores, and extrapolated beyond them."""

    quantiles: Array

    @classmethod
    def of(cls, intervals: Intervals, steps: int) -> Distribution:
        """The distribution of the first `steps` steps."""
        ladder = (intervals.lower95, intervals.lower80, intervals.value, intervals.upper80, intervals.upper95)
        return cls(np.stack([edge[:steps] for edge in ladder], axis=1))

    def as_tuples(self) -> tuple[tuple[float, ...], ...]:
        """The quantiles as plain values that can be pickled."""
        return tuple(tuple(float(value) for value in row) for row in self.quantiles)

    def at(self, scores: Array) -> Array:
        """The value of each step at a normal score, within [0, 100]: (…, steps) from (…, steps) or (…, 1)."""
        slopes = np.diff(self.quantiles, axis=1) / np.diff(SCORES)
        values = self.quantiles[:, 2] + np.minimum(scores, 0) * slopes[:, 1] + np.maximum(scores, 0) * slopes[:, 2]
        values = values + np.minimum(scores - SCORES[1], 0) * (slopes[:, 0] - slopes[:, 1])
        values = values + np.maximum(scores - SCORES[3], 0) * (slopes[:, 3] - slopes[:, 2])
        return np.asarray(np.clip(values, 0, 100))

    def mean_below(self, threshold: float) -> float:
        """P(mean over the steps < threshold), ties by half.

        Errors of two steps correlate by STEP_CORRELATION, so the mean varies less than a single step. It varies around
        its expectation, which in a skewed distribution is not the mean of the medians that are forecast.
        """
        means = self.at(_GRID[:, None]).mean(axis=1)
        expected = float(_DENSITY @ means)
        varies = math.sqrt(STEP_CORRELATION + (1 - STEP_CORRELATION) / len(self.quantiles))
        means = np.round(expected + varies * (means - expected), _DECIMALS)
        threshold = round(threshold, _DECIMALS)
        below, not_above = np.searchsorted(means, threshold, side="left"), np.searchsorted(means, threshold, "right")
        if below < not_above:  # several equal means
            return float((_normal(_GRID[below]) + _normal(_GRID[not_above - 1])) / 2)
        if below in (0, len(means)):
            return float(below > 0)
        part = (threshold - means[below - 1]) / (means[below] - means[below - 1])
        return _normal(_GRID[below - 1] + part * (_GRID[below] - _GRID[below - 1]))


def _normal(score: float) -> float:
    return NormalDist().cdf(float(score))
