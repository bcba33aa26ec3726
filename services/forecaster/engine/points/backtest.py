"""The rolling-origin backtest: what the engine would have said at earlier times, against what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

MAX_WINDOWS = 10  # 16 and 24 did no better, and cost more
MIN_KNOWN = 8  # points that a window's forecast is made from at least


@dataclass(frozen=True)
class Backtest:
    """One row per window, one column per step ahead. All windows are of one length, at most the horizon's."""

    origins: tuple[int, ...]  # points known in each window
    forecasts: Array
    actuals: Array
    disagreements: Array  # of the members that each forecast is made of
    naive_scales: Array  # per window: mean absolute one-step change of what was known

    @classmethod
    def of(cls, values: Array, origins: tuple[int, ...], forecasts: Array, disagreements: Array) -> Backtest:
        """From each window's forecast, and how far its members disagreed."""
        length = forecasts.shape[1]
        return cls(
            origins=origins,
            forecasts=forecasts,
            actuals=np.reshape([values[origin : origin + length] for origin in origins], forecasts.shape),
            disagreements=disagreements,
            naive_scales=np.array([np.abs(np.diff(values[:origin])).mean() for origin in origins]),
        )

    def without(self, window: int) -> Backtest:
        """All windows but one."""
        kept = [index for index in range(self.windows) if index != window]
        origins = tuple(self.origins[index] for index in kept)
        parts = (self.forecasts, self.actuals, self.disagreements, self.naive_scales)
        return Backtest(origins, *(part[kept] for part in parts))

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

    Origins lie in the later half where there is room, evenly spaced, the last one so that its window ends with the
    series. No window at all for a series of MIN_KNOWN points or fewer.
    """
    length = min(horizon, points - MIN_KNOWN)
    if length < 1:
        return (), 0
    last = points - length
    first = max(MIN_KNOWN, min(points // 2, last - MAX_WINDOWS + 1))
    count = min(MAX_WINDOWS, last - first + 1)
    return tuple(int(origin) for origin in np.linspace(first, last, count).round()), length
