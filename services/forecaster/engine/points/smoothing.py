"""Exponential smoothing with and without a damped trend, for a whole grid of parameters and many origins at once.

One pass over the series gives the state of every parameter set after every value, which is what the forecast from any
origin, and the error of every earlier one, are made of. No parameter is fitted: all are kept, weighed by how they did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.99)  # shares of an error that the level takes up
TRENDS = (0.05, 0.15, 0.3)  # shares of the level's share that the trend takes up
DAMPINGS = (0.8, 0.9, 0.97)  # what remains of a trend after each step
SHARPNESS = 10.0  # how fast a parameter set's weight falls with its error over the best's
FIRST_VALUES = 3  # whose mean is the level to begin with
NOISE = 0.02  # on the logarithmic scale, a point at level 50: smaller errors say nothing about what made them


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

    def reach(self, steps: int) -> Array:
        """How much of today's trend lies in the forecast of each step: (steps, sets)."""
        return np.cumsum(self.damping ** np.arange(1, steps + 1)[:, None], axis=0)


GRID = Grid.of(LEVELS, TRENDS, DAMPINGS)
FLAT = len(LEVELS)  # the first so many sets have no trend


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
    """Running sums of the absolute errors of the forecasts `ahead` steps before: (values, rows, sets)."""
    errors = np.zeros_like(levels)
    reach = grid.reach(ahead)[-1]
    expected = trends[:-ahead] * reach
    expected += levels[:-ahead]
    np.subtract(rows.T[ahead:, :, None], expected, out=expected)
    np.abs(expected, out=expected)
    np.cumsum(expected, axis=0, out=errors[ahead:])
    return errors


def weights(losses: Array) -> Array:
    """What each set weighs, from its loss, which is above 0: (rows, sets), each row's sum 1."""
    shares = np.exp(-SHARPNESS * (losses / losses.min(axis=1, keepdims=True) - 1))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
