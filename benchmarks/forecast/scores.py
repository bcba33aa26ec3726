"""Scores of forecasts, balanced by source, so that many similar files of one owner do not dominate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.forecast.cases import Case
from benchmarks.forecast.naive2 import naive2
from services.forecaster.engine.history import Array

Z95 = 1.959964
RESAMPLES = 2000
MIN_ERROR = 0.05  # points per step; smaller errors and interval scores count as this


@dataclass(frozen=True)
class Forecast:
    """A method's forecast of one case."""

    mean: Array
    lo80: Array
    hi80: Array
    lo95: Array
    hi95: Array


@dataclass(frozen=True)
class Score:
    """Ratios are geometric means over sources of totals ÷ Naive2's; coverages are means over sources, in per cent."""

    mae: float
    interval: float  # at 95 %
    interval_unclipped: float  # against Naive2's intervals without clipping to [0, 100]
    coverage95: tuple[float, float, float]  # with its 90 % bootstrap interval, clustered by source
    coverage80: tuple[float, float, float]


def score(cases: Sequence[Case], forecasts: Sequence[Forecast]) -> Score:
    """The score of all cases together; at least one."""
    totals: dict[str, Array] = defaultdict(lambda: np.zeros(6))  # per source, in the order of the tuple below
    inside: dict[str, list[tuple[float, float]]] = defaultdict(list)  # shares inside the 95 % and 80 % intervals
    for case, forecast in zip(cases, forecasts, strict=True):
        actual = case.actual
        point, sd = naive2(case.known, case.season, case.horizon, bounded=case.bounded)
        low, high = point - Z95 * sd, point + Z95 * sd
        clipped = (np.clip(low, 0, 100), np.clip(high, 0, 100)) if case.bounded else (low, high)
        totals[case.source] += (
            np.abs(actual - forecast.mean).sum(),
            np.abs(actual - point).sum(),
            interval_score(actual, forecast.lo95, forecast.hi95),
            interval_score(actual, *clipped),
            interval_score(actual, low, high),
            MIN_ERROR * len(actual),
        )
        inside[case.source].append(
            (covered(actual, forecast.lo95, forecast.hi95), covered(actual, forecast.lo80, forecast.hi80))
        )
    sums = np.array([totals[source] for source in totals])
    shares = np.array([np.mean(inside[source], axis=0) for source in totals])
    return Score(
        mae=_ratio(sums[:, 0], sums[:, 1], sums[:, 5]),
        interval=_ratio(sums[:, 2], sums[:, 3], sums[:, 5]),
        interval_unclipped=_ratio(sums[:, 2], sums[:, 4], sums[:, 5]),
        coverage95=_with_bootstrap(shares[:, 0]),
        coverage80=_with_bootstrap(shares[:, 1]),
    )


def by_source(cases: Sequence[Case], forecasts: Sequence[Forecast]) -> dict[str, Score]:
    """The score of each source."""
    return _grouped(cases, forecasts, lambda case: case.source)


def by_set(cases: Sequence[Case], forecasts: Sequence[Forecast]) -> dict[str, Score]:
    """The score of each set."""
    return _grouped(cases, forecasts, lambda case: case.set)


def interval_score(actual: Array, low: Array, high: Array, level: float = 0.95) -> float:
    """Interval score, summed over steps: width + 2 ÷ (1 − level) × the distance outside (Gneiting, Raftery 2007)."""
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return float(np.sum(high - low + 2 / (1 - level) * outside))


def covered(actual: Array, low: Array, high: Array) -> float:
    """The share of values inside the interval, bounds included."""
    return float(np.mean((actual >= low - 1e-9) & (actual <= high + 1e-9)))


def _grouped(cases: Sequence[Case], forecasts: Sequence[Forecast], key: Callable[[Case], str]) -> dict[str, Score]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, case in enumerate(cases):
        groups[key(case)].append(index)
    return {
        name: score([cases[index] for index in group], [forecasts[index] for index in group])
        for name, group in sorted(groups.items())
    }


def _ratio(ours: Array, theirs: Array, least: Array) -> float:
    """The geometric mean over sources of ours ÷ theirs; totals below `least` count as `least`."""
    return float(np.exp(np.mean(np.log(np.maximum(ours, least) / np.maximum(theirs, least)))))


def _with_bootstrap(shares: Array) -> tuple[float, float, float]:
    """The mean with its 90 % bootstrap interval over sources."""
    drawn = np.random.default_rng(0).integers(0, len(shares), (RESAMPLES, len(shares)))
    low, high = np.quantile(shares[drawn].mean(axis=1), [0.05, 0.95])
    return 100 * float(shares.mean()), 100 * float(low), 100 * float(high)
