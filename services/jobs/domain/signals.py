"""Signals and statistics of each term, from the snapshot alone. Plain Python: jobs imports no numerics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from services.common.change_band import change_band

_LONGEST_WHOLE_SEASON = 24


@dataclass(frozen=True)
class Signals:
    """Of one term; all finite, four decimals. A partial last period is left out of each."""

    trend: str  # rising | falling | flat
    volatility: float  # standard deviation of period-to-period changes, in points
    seasonality: float  # 0 to 1: share of variance that the season explains
    last_value: float  # of the last complete period
    change4: float  # last value minus that of four periods before, in points


@dataclass(frozen=True)
class Stats:
    """Of one term's whole series, in points; four decimals."""

    mean: float
    minimum: float
    maximum: float
    standard_deviation: float  # of the population


def term_signals(values: Sequence[float], *, season: int, partial_last_period: bool) -> Signals:
    """The signals of a series of points on 0 to 100, one or more; `season` is in periods.

    A series with fewer than five complete periods has the change since its first as `change4`.
    """
    complete = list(values[:-1]) if partial_last_period and len(values) > 1 else list(values)
    last = complete[-1]
    return Signals(
        trend=_trend(complete, season),
        volatility=round(_deviation([later - earlier for earlier, later in pairwise(complete)]), 4),
        seasonality=round(_seasonality(complete, season), 4),
        last_value=round(last, 4),
        change4=round(last - complete[max(0, len(complete) - 5)], 4),
    )


def term_stats(values: Sequence[float]) -> Stats:
    """Mean, extremes and spread of a series of one or more points."""
    return Stats(
        mean=round(fmean(values), 4),
        minimum=round(min(values), 4),
        maximum=round(max(values), 4),
        standard_deviation=round(_deviation(values), 4),
    )


def _trend(values: list[float], season: int) -> str:
    """Compares the mean of the last stretch with that of the stretch before.

    A stretch is a whole season where that is short (a day of hours, a week of days, a year of months), so that the
    season itself is no trend, and a quarter of it for weeks; never more than half of the series.
    """
    stretch = season if season <= _LONGEST_WHOLE_SEASON else season // 4
    stretch = min(stretch, len(values) // 2)
    if stretch < 1:
        return "flat"
    recent, before = fmean(values[-stretch:]), fmean(values[-2 * stretch : -stretch])
    margin = change_band(before)
    return "rising" if recent - before > margin else "falling" if before - recent > margin else "flat"


def _seasonality(values: list[float], season: int) -> float:
    """The share of variance about a straight line that the means of the season's phases explain.

    Adjusted for the number of phases (epsilon squared), as two noisy years would else seem half seasonal. 0 for a
    series under two seasons, in which a season cannot be separated from noise.
    """
    size = len(values)
    if season < 2 or size < 2 * season or size <= season + 1:
        return 0.0
    rest = _detrended(values)
    total = sum(value * value for value in rest)
    phases = [rest[phase::season] for phase in range(season)]
    within = 0.0
    for phase in phases:
        mean = fmean(phase)
        within += sum((value - mean) ** 2 for value in phase)
    if total < 1e-9 * size:  # a straight line, up to rounding
        return 0.0
    return min(1.0, max(0.0, 1 - (within / (size - season)) / (total / (size - 1))))


def _detrended(values: list[float]) -> list[float]:
    middle, mean = (len(values) - 1) / 2, fmean(values)
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    slope = sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread
    return [value - mean - slope * (at - middle) for at, value in enumerate(values)]


def _deviation(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = fmean(values)
    return math.sqrt(fmean([(value - mean) ** 2 for value in values]))
