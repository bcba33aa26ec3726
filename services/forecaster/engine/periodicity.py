"""Per step: the season's length, and the windows over which a level is estimated."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.comparison import Step


@dataclass(frozen=True)
class Periodicity:
    """All lengths are in periods."""

    season: int
    median_windows: tuple[int, int, int]  # windows whose medians are members of the combination
    settled: int  # fewest values on either side of a change of level: a day, two weeks, a quarter, five months
    smooth_season: bool  # smooth each phase with its neighbours; of weeks each phase is observed few times
    # Smoothing levels (of points.smoothing) that are members by themselves. Chosen in benchmarks/JOURNAL.md.
    fixed_levels: tuple[float, ...] = ()
    # Values of a line whose slope is a drift: a quarter, a year. 0 for none: interest of days and hours fades too soon.
    drift_window: int = 0


PERIODICITIES = {
    Step.HOURLY: Periodicity(24, (4, 8, 16), settled=24, smooth_season=False),
    Step.DAILY: Periodicity(7, (4, 8, 16), settled=14, smooth_season=False),
    Step.WEEKLY: Periodicity(52, (4, 8, 16), settled=13, smooth_season=True, fixed_levels=(0.3,), drift_window=13),
    Step.MONTHLY: Periodicity(12, (6, 12, 24), settled=5, smooth_season=False, drift_window=12),
}
