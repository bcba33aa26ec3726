"""Measures the engine and its peers: `python -m benchmarks.forecast.measure [--quick] [--write]`.

On the last horizon of each export beside the checkout and of those collected, of series that packages ship, of months
of forecasting competitions and of a sample of M4's weeks. Peers and competitions take part where they are installed
(`make bench-forecast` has them); --quick leaves the peers out, --write puts the tables into RESULTS.md.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.forecast import report
from benchmarks.forecast.cases import SETS, Case, competition_cases, export_cases, packaged_cases
from benchmarks.forecast.directions import held_out_confidence, reliability
from benchmarks.forecast.learn import (
    DIRECTION_ORIGINS,
    ORIGINS,
    by_family,
    direction_outcomes,
    fit_without_source,
    held_out_forecasts,
    make_rows,
)
from benchmarks.forecast.m4 import m4_table
from benchmarks.forecast.pairs import brier_scores
from benchmarks.forecast.peers import Method, methods, naive, or_naive, ours
from benchmarks.forecast.scores import Forecast, score
from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.warm_up import warm_up
from tests.unit.forecaster.engine.series import term_series, wandering

LEFT_OUT = "warmcast, source left out"
TIMED = {"12m": 52, "3m": 90, "5y": 260, "all": 220, "7d": 168}
REPEATS = 20


@dataclass(frozen=True)
class Result:
    """The forecasts of one method for one set."""

    forecasts: list[Forecast]
    failed: int
    cpu_seconds: float  # per series


def main(arguments: list[str]) -> int:
    """Prints the tables, and writes them with --write."""
    exported = export_cases(max(*ORIGINS.values(), DIRECTION_ORIGINS))
    last = [case for case in exported if case.held_out == 1]
    every = methods() if "--quick" not in arguments else {"warmcast": ours, "Naive2": naive}
    lines = [*_cpu(), ""]
    sets = {
        title(name, collected=collected): _some(last, name, collected=collected)
        for collected in (False, True)
        for name in dict.fromkeys(SETS.values())
    }
    sets |= {"competitions": competition_cases(), "packages": packaged_cases()}
    for name, cases in sets.items():
        if cases:
            lines += [*_set(name, cases, every), ""]
    print("M4", file=sys.stderr, flush=True)
    lines += [*m4_table(every), "", *_learned(exported)]
    print(*lines, sep="\n")
    if "--write" in arguments:
        report.write(lines)
    return 0


def title(name: str, *, collected: bool) -> str:
    """The title of a set: exports beside the checkout, or collected ones."""
    return f"{name}, collected" if collected else name


def _some(cases: list[Case], name: str, *, collected: bool) -> list[Case]:
    """One series per collected source, because peers take seconds for each."""
    found = [case for case in cases if (case.set, case.collected) == (name, collected)]
    return list({case.source: case for case in reversed(found)}.values())[::-1] if collected else found


def _set(name: str, cases: list[Case], every: Mapping[str, Method]) -> Iterator[str]:
    yield from report.header(name, cases)
    for method_name, method in every.items():
        print(f"{name}: {method_name}", file=sys.stderr, flush=True)
        result = _run(method, cases)
        yield report.row(method_name, score(cases, result.forecasts), result.cpu_seconds, result.failed)


def _learned(exported: list[Case]) -> Iterator[str]:
    """Held-out scores, at the last origin and over several."""
    yield f"Intervals learned without the source that is measured ({LEFT_OUT}), at the last origin and over several:"
    yield ""
    yield from report.held_out_header()
    families = by_family(make_rows(exported))
    without = {name: fit_without_source(rows) for name, rows in families.items()}
    said = [
        (row.case, forecast)
        for family, rows in families.items()
        for row, forecast in zip(rows, held_out_forecasts(rows, without[family]), strict=True)
    ]
    for name, most in ORIGINS.items():
        for collected, origins in product((False, True), sorted({1, most // 2 or 1, most})):
            chosen = [
                (case, forecast)
                for case, forecast in said
                if (case.set, case.collected) == (name, collected) and case.held_out <= origins
            ]
            if chosen:
                found = score(*map(list, zip(*chosen, strict=True)))
                yield report.held_out_row(title(name, collected=collected), origins, len(chosen), found)
    yield ""
    yield (
        f"Of forecasts that said rising or falling, over up to {DIRECTION_ORIGINS} origins, by the intervals and the "
        "confidence learned without their source:"
    )
    yield ""
    yield from reliability(held_out_confidence(direction_outcomes(exported, without)))
    yield ""
    yield from brier_scores([case for case in exported if case.held_out <= DIRECTION_ORIGINS])


def _cpu() -> Iterator[str]:
    began = "import time; t = time.process_time(); from services.forecaster.engine.warm_up import warm_up; warm_up(); "
    fresh = subprocess.run(
        [sys.executable, "-c", began + "print(time.process_time() - t)"], capture_output=True, text=True, check=True
    )
    warm_up()
    yield "| CPU, one term with backtest, intervals and metrics | ms, median |"
    yield "| --- | ---: |"
    for timeframe, points in TIMED.items():
        series, spent = term_series(wandering(points), timeframe), []
        for _ in range(REPEATS):
            start = time.process_time()
            forecast_term(series)
            spent.append(time.process_time() - start)
        yield f"| {timeframe}, {points} points, {TIMEFRAMES[timeframe].horizon} ahead | {1000 * np.median(spent):.1f} |"
    yield f"| first forecast in a fresh process, imports included | {1000 * float(fresh.stdout):.0f} |"


def _run(method: Method, cases: Sequence[Case]) -> Result:
    or_naive(method, cases[0])  # imports and compiles
    began = time.process_time()
    said = [or_naive(method, case) for case in cases]
    spent = time.process_time() - began
    return Result([one for one, _ in said], sum(failed for _, failed in said), spent / len(cases))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
