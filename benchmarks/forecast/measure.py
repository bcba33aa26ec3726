"""Measures the engine on the real exports beside the checkout: `python -m benchmarks.forecast.measure`.

Each series gives one forecast, or two where it is long, whose actual values are then known: the last horizon is held
out, the series' own last period (which may be partial) is left out altogether. Accuracy is the geometric mean over
source repositories of total absolute error ÷ that of naive and of seasonally adjusted naive, so that many alike files
of one owner do not decide. Coverage is shown balanced by source, and over all points.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from services.forecaster.engine.models import naive, naive_seasonally_adjusted

from benchmarks.forecast.exports import EXPORTS, ExportedSeries, read_exports
from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.direction import direction_of
from services.forecaster.engine.head_to_head import head_to_head
from services.forecaster.engine.history import Array
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import TermForecast, TermSeries
from services.forecaster.engine.worker import warm_up

SHOWN = ("12m", "5y", "3m", "all")
LONG = ("5y", "all")  # these give a second forecast, one horizon earlier
LEAST_KNOWN = 12


@dataclass(frozen=True)
class Case:
    """One forecast and what came of it."""

    series: ExportedSeries
    known: Array
    actual: Array
    forecast: TermForecast
    cpu_seconds: float

    def column(self, name: str) -> Array:
        """One column of the bundle's points."""
        points = self.forecast.bundle["points"]
        assert isinstance(points, list)
        return np.array([point[name] for point in points])


def main() -> int:
    """Prints one line per timeframe and the two probabilities' figures."""
    if not (EXPORTS / "INDEX.csv").exists():
        print(f"no exports at {EXPORTS}", file=sys.stderr)
        return 1
    warm_up()
    cases = [case for series in read_exports() for case in _cases(series)]
    print("tf    forecasts sources  MAE/naive MAE/naive2  cov80 (all)    cov95 (all)    CPU ms/term max")
    for timeframe in SHOWN:
        _print_timeframe(timeframe, [case for case in cases if case.series.timeframe == timeframe])
    _print_confidence(cases)
    _print_head_to_head(cases)
    return 0


def _cases(series: ExportedSeries) -> Iterator[Case]:
    horizon = TIMEFRAMES[series.timeframe].horizon
    for held_out in (1, 2) if series.timeframe in LONG else (1,):
        known = len(series.values) - 1 - held_out * horizon
        if known < LEAST_KNOWN:
            continue
        began = time.process_time()
        forecast = forecast_term(
            TermSeries(
                term=series.term,
                label="termA",
                timeframe=series.timeframe,
                times=series.times[:known],
                values=series.values[:known],
                partial_last_period=False,
                scaled_apart=False,
                gaps_filled=False,
            )
        )
        cpu = time.process_time() - began
        actual = np.array(series.values[known : known + horizon])
        yield Case(series, np.array(series.values[:known]), actual, forecast, cpu)


def _print_timeframe(timeframe: str, cases: list[Case]) -> None:
    season = TIMEFRAMES[timeframe].season
    sources = {case.series.source for case in cases}
    to_naive = _ratio(cases, lambda case: naive(case.known, season, len(case.actual)))
    to_naive2 = _ratio(cases, lambda case: naive_seasonally_adjusted(case.known, season, len(case.actual)))
    cover80, cover95 = (_coverage(cases, level) for level in ("80", "95"))
    cpu = [1000 * case.cpu_seconds for case in cases]
    print(
        f"{timeframe:5s} {len(cases):9d} {len(sources):7d}  {to_naive:9.3f} {to_naive2:10.3f}  "
        f"{cover80[0]:.3f} ({cover80[1]:.3f})  {cover95[0]:.3f} ({cover95[1]:.3f})  "
        f"{np.mean(cpu):11.0f} {np.max(cpu):.0f}"
    )


def _ratio(cases: list[Case], reference: Callable[[Case], Array]) -> float:
    ours: dict[str, float] = defaultdict(float)
    theirs: dict[str, float] = defaultdict(float)
    for case in cases:
        ours[case.series.source] += float(np.abs(case.actual - case.column("value")).sum())
        theirs[case.series.source] += float(np.abs(case.actual - np.clip(reference(case), 0, 100)).sum())
    return float(np.exp(np.mean([np.log(ours[source] / theirs[source]) for source in ours])))


def _coverage(cases: list[Case], level: str) -> tuple[float, float]:
    """Balanced by source, and over all points."""
    by_source: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        inside = (case.actual >= case.column(f"lower{level}")) & (case.actual <= case.column(f"upper{level}"))
        by_source[case.series.source] += [float(one) for one in inside]
    balanced = float(np.mean([np.mean(shares) for shares in by_source.values()]))
    return balanced, float(np.mean([one for shares in by_source.values() for one in shares]))


def _print_confidence(cases: list[Case]) -> None:
    """Whether more confidence means less error, and directions that come true."""
    confidence = np.array([case.forecast.bundle["confidence"] for case in cases], dtype=np.float64)
    limits = np.quantile(confidence, [0, 1 / 3, 2 / 3, 1])
    print("\nconfidence      forecasts  MAE   directions right (of those that said rising or falling)")
    for low, high in itertools.pairwise(limits):
        group = [case for case, sure in zip(cases, confidence, strict=True) if low <= sure <= high]
        error = np.mean([np.abs(case.actual - case.column("value")).mean() for case in group])
        said = [case for case in group if case.forecast.bundle["direction"] in ("rising", "falling")]
        right = [direction_of(case.known, case.actual) == case.forecast.bundle["direction"] for case in said]
        print(f"{low:5.1f} to {high:5.1f} {len(group):9d} {error:6.2f}  {np.mean(right):.2f} of {len(right)}")


def _print_head_to_head(cases: list[Case]) -> None:
    """The Brier score of winnerProbability over all pairs of columns of one file, against two guesses."""
    scores = np.array([score for pair in _pairs(cases) for score in _brier(*pair)]).reshape(-1, 3)
    ours, leader = scores[:, 0].mean(), scores[:, 1].mean()
    print(f"\nhead-to-head: {len(scores)} pairs, Brier {ours:.3f}; the leader stays {leader:.3f}; always 50 % 0.250")


def _pairs(cases: list[Case]) -> Iterator[tuple[Case, Case]]:
    groups: dict[tuple[str, int], list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.series.file, len(case.known)].append(case)
    for group in groups.values():
        yield from ((a, b) for index, a in enumerate(group) for b in group[index + 1 :])


def _brier(a: Case, b: Case) -> Iterable[tuple[float, float, float]]:
    compared = head_to_head(a.forecast, b.forecast)
    margin = float(b.actual.mean() - a.actual.mean())
    if compared is None or margin == 0:
        return
    probability, lead = compared["winnerProbability"], compared["currentMargin"]
    assert isinstance(probability, float)
    assert isinstance(lead, float)
    came = float(margin > 0)
    stays = 0.5 if lead == 0 else float(lead > 0)
    yield (probability / 100 - came) ** 2, (stays - came) ** 2, 0.25


if __name__ == "__main__":
    sys.exit(main())
