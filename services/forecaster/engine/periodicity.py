"""What the engine assumes for each step: the season's length, and the windows for estimating a level."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.comparison import Step


@dataclass(frozen=True)
class Periodicity:
    """All lengths are in periods."""

    season: int
    spans: tuple[int, int, int]  # lengths of the windows whose medians are three members of the combination
    smooth_season: bool  # whether a phase leans on its neighbours: each phase of a year of weeks is seen few times
    # Levels of smoothing (of points.smoothing) that are members of their own. Of weeks 0.2 to 0.35 did alike and took
    # 1 % off the error of a year's forecasts; days and months were no better for any.
    calm: tuple[float, ...] = ()


PERIODICITIES = {
    Step.HOURLY: Periodicity(24, (4, 8, 16), smooth_season=False),
    Step.DAILY: Periodicity(7, (4, 8, 16), smooth_season=False),
    Step.WEEKLY: Periodicity(52, (4, 8, 16), smooth_season=True, calm=(0.3,)),
    Step.MONTHLY: Periodicity(12, (6, 12, 24), smooth_season=False),
}
