"""Exponential smoothing with and without a damped trend, for a grid of parameters and many origins at once.

One pass over the series computes the state of every parameter set after every value; forecasts from every origin and
their errors follow from it. No parameter is fitted: the sets are weighted by their errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.99)  # alpha: share of an error that the level absorbs
TRENDS = (0.05, 0.15, 0.3)  # beta ÷ alpha: the trend's share relative to the level's
DAMPINGS = (0.8, 0.9, 0.97)  # phi: share of the trend that remains after each step
SHARPNESS = 10.0  # how fast a weight falls with the set's error relative to the best
FIRST_VALUES = 3  # their mean is the initial level
NOISE = 0.02  # one point at level 50, on the logarithmic scale; smaller errors count as noise


@dataclass(frozen=True)
class Grid:
    """Parameter sets, one entry of each array per set."""

    level: Array
    trend: Array
    damping: Array

    @classmethod
    def of(cls, levels: tuple[float, ...], trends: tuple[float, ...], dampings: tuple[float, ...]) -> Grid:
        """Each level without a trend, then with every trend and damping."""
        flat = [(level, 0.0, 0.0) for level in levels]
        damped = [(level, level * trend, damping) for level in levels for trend in trends for damping in dampings]
        return cls(*np.array(flat + damped).T)

    def trend_sums(self, steps: int) -> Array:
        """Sums of the damped trend up to each step, as multiples of the current trend: (steps, sets)."""
        return np.cumsum(self.damping ** np.arange(1, steps + 1)[:, None], axis=0)


GRID = Grid.of(LEVELS, TRENDS, DAMPINGS)
FLAT = len(LEVELS)  # the first FLAT sets have no trend


def smooth(rows: Array, grid: Grid = GRID) -> tuple[Array, Array]:
    """Level and trend of every parameter set after every value: two arrays (values, rows, sets) from (rows, values)."""
    count, length = rows.shape
    levels = np.empty((length, count, grid.level.size))
    trends = np.empty_like(levels)
    level = np.broadcast_to(rows[:, :FIRST_VALUES].mean(axis=1)[:, None], levels.shape[1:])
    trend = np.zeros(levels.shape[1:])
    for index in range(length):
        trend = grid.damping * trend
        expected = level + trend
        error = rows[:, index, None] - expected
        level = np.add(expected, grid.level * error, out=levels[index])
        trend = np.add(trend, grid.trend * error, out=trends[index])
    return levels, trends


def past_errors(rows: Array, levels: Array, trends: Array, *, ahead: int, grid: Grid = GRID) -> Array:
    """Running sums of the absolute errors of forecasts `ahead` steps ahead: (values, rows, sets)."""
    errors = np.zeros_like(levels)
    trend_sum = grid.trend_sums(ahead)[-1]
    expected = trends[:-ahead] * trend_sum
    expected += levels[:-ahead]
    np.subtract(rows.T[ahead:, :, None], expected, out=expected)
    np.abs(expected, out=expected)
    np.cumsum(expected, axis=0, out=errors[ahead:])
    return errors


def weights(losses: Array) -> Array:
    """The sets' weights from their losses, which are above 0: (rows, sets); each row sums to 1."""
    shares = np.exp(-SHARPNESS * (losses / losses.min(axis=1, keepdims=True) - 1))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
