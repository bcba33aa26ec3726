"""The rolling-origin backtest: forecasts from earlier origins, compared with the actual values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array

MAX_WINDOWS = 10  # more windows cost time without better scores: benchmarks/JOURNAL.md
MIN_KNOWN = 8  # fewest known points of a window


@dataclass(frozen=True)
class Backtest:
    """One row per window, one column per step ahead. All windows are of one length, at most the horizon's."""

    origins: tuple[int, ...]  # points known in each window
    forecasts: Array
    actuals: Array
    disagreements: Array  # of the combination's members
    naive_scales: Array  # per window: mean absolute one-step change of the known values

    @classmethod
    def of(cls, values: Array, origins: tuple[int, ...], forecasts: Array, disagreements: Array) -> Backtest:
        """Builds a backtest from each window's forecast and the disagreement of its members."""
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
        """The number of windows."""
        return len(self.origins)


def choose_origins(points: int, horizon: int) -> tuple[tuple[int, ...], int]:
    """The windows' origins and length: the horizon, or less for a short series.

    Origins are evenly spaced, in the later half where the series is long enough; the last window ends with the series.
    A series of MIN_KNOWN points or fewer has no window.
    """
    length = min(horizon, points - MIN_KNOWN)
    if length < 1:
        return (), 0
    last = points - length
    first = max(MIN_KNOWN, min(points // 2, last - MAX_WINDOWS + 1))
    count = min(MAX_WINDOWS, last - first + 1)
    return tuple(int(origin) for origin in np.linspace(first, last, count).round()), length
