"""How likely what may come is: the whole distribution behind a forecast's intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.learned import STEPS_ALIKE
from services.forecaster.engine.intervals.prediction_intervals import Bands

# Where lower 95 %, lower 80 %, the forecast, upper 80 % and upper 95 % lie on the normal distribution.
SCORES = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])
_GRID = np.linspace(-4, 4, 161)
_DENSITY = np.exp(-(_GRID**2) / 2) / np.exp(-(_GRID**2) / 2).sum()
_ROUNDED = 6  # decimals in which a mean is compared with a threshold: rounding decides nothing


@dataclass(frozen=True)
class Distribution:
    """Quantiles at SCORES of each step: (steps, 5). Between them, and beyond as between the outer two, linear."""

    quantiles: Array

    @classmethod
    def of(cls, bands: Bands, steps: int) -> Distribution:
        """Of the first so many steps."""
        ladder = (bands.lower95, bands.lower80, bands.value, bands.upper80, bands.upper95)
        return cls(np.stack([edge[:steps] for edge in ladder], axis=1))

    def as_tuples(self) -> tuple[tuple[float, ...], ...]:
        """Plain values that cross processes."""
        return tuple(tuple(float(value) for value in row) for row in self.quantiles)

    def at(self, scores: Array) -> Array:
        """The value of each step at its score, within [0, 100]: (…, steps) from the same or (…, 1)."""
        slopes = np.diff(self.quantiles, axis=1) / np.diff(SCORES)
        values = self.quantiles[:, 2] + np.minimum(scores, 0) * slopes[:, 1] + np.maximum(scores, 0) * slopes[:, 2]
        values = values + np.minimum(scores - SCORES[1], 0) * (slopes[:, 0] - slopes[:, 1])
        values = values + np.maximum(scores - SCORES[3], 0) * (slopes[:, 3] - slopes[:, 2])
        return np.asarray(np.clip(values, 0, 100))

    def mean_below(self, threshold: float) -> float:
        """P(the mean over the steps < threshold), ties by half.

        Steps do not all err the same way, so their mean varies less than if they did, about what is to be expected of
        it: of a lopsided distribution that is not the mean of the forecasts, which are medians.
        """
        means = self.at(_GRID[:, None]).mean(axis=1)
        expected = float(_DENSITY @ means)
        varies = math.sqrt(STEPS_ALIKE + (1 - STEPS_ALIKE) / len(self.quantiles))
        means = np.round(expected + varies * (means - expected), _ROUNDED)
        threshold = round(threshold, _ROUNDED)
        below, not_above = np.searchsorted(means, threshold, side="left"), np.searchsorted(means, threshold, "right")
        if below < not_above:  # a stretch of equal means
            return float((_normal(_GRID[below]) + _normal(_GRID[not_above - 1])) / 2)
        if below in (0, len(means)):
            return float(below > 0)
        part = (threshold - means[below - 1]) / (means[below] - means[below - 1])
        return _normal(_GRID[below - 1] + part * (_GRID[below] - _GRID[below - 1]))


def _normal(score: float) -> float:
    return NormalDist().cdf(float(score))
