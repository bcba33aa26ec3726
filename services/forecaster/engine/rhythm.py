"""What the engine takes for granted of a kind of series: its season, and the spans that a level is looked for in."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.comparison import Step


@dataclass(frozen=True)
class Rhythm:
    """All of it in periods."""

    season: int
    spans: tuple[int, int, int]  # the last so many values, whose medians are three of the combination's members
    smooth_season: bool  # whether a phase leans on its neighbours: each phase of a year of weeks is seen few times
    # Levels of smoothing (of engine.smoothing's) that are members of their own. Of weeks 0.2 to 0.35 did alike and took
    # 1 % off the error of a year's forecasts; days and months were no better for any.
    calm: tuple[float, ...] = ()


RHYTHMS = {
    Step.HOURLY: Rhythm(24, (4, 8, 16), smooth_season=False),
    Step.DAILY: Rhythm(7, (4, 8, 16), smooth_season=False),
    Step.WEEKLY: Rhythm(52, (4, 8, 16), smooth_season=True, calm=(0.3,)),
    Step.MONTHLY: Rhythm(12, (6, 12, 24), smooth_season=False),
}
