"""The rolling-origin backtest: what a model would have said at earlier times, against what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.models import Model

MAX_WINDOWS = 12  # each costs a fit of each model
MIN_KNOWN = 8  # points that a window's model sees at least


@dataclass(frozen=True)
class Backtest:
    """One row per window, one column per step ahead. All windows are of one length, at most the horizon's."""

    origins: tuple[int, ...]  # points known in each window
    forecasts: Array
    actuals: Array
    naive_scales: Array  # per window: mean absolute one-step change of what was known

    @property
    def errors(self) -> Array:
        """Actual minus forecast."""
        return self.actuals - self.forecasts

    @property
    def windows(self) -> int:
        """How many there were room for."""
        return len(self.origins)


def choose_origins(points: int, horizon: int) -> tuple[tuple[int, ...], int]:
    """Where windows begin, and their length: the whole horizon, or less where the series has no room for it.

    Origins lie in the later half, evenly spaced, the last one so that its window ends with the series. No window at
    all for a series of MIN_KNOWN points or fewer.
    """
    length = min(horizon, points - MIN_KNOWN)
    if length < 1:
        return (), 0
    last = points - length
    first = max(MIN_KNOWN, min(points // 2, last - MAX_WINDOWS + 1))
    count = min(MAX_WINDOWS, last - first + 1)
    return tuple(int(origin) for origin in np.linspace(first, last, count).round()), length


def run_backtest(model: Model, values: Array, season: int, horizon: int) -> Backtest:
    """The model's forecasts at each origin, cut to [0, 100] as the real one is. Raises what the model raises."""
    origins, length = choose_origins(len(values), horizon)
    shape = (len(origins), length)
    forecasts = [np.clip(model(values[:origin], season, length), 0, 100) for origin in origins]
    return Backtest(
        origins=origins,
        forecasts=np.reshape(forecasts, shape),
        actuals=np.reshape([values[origin : origin + length] for origin in origins], shape),
        naive_scales=np.array([np.abs(np.diff(values[:origin])).mean() for origin in origins]),
    )
