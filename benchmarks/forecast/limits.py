"""Measures the engine's limits, beside the tables of `measure`: `python -m benchmarks.forecast.limits`.

Of the real exports. Figures in use, but for what is to be expected of other sources, where those are left out.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.forecast.cases import Case, export_cases
from benchmarks.forecast.learn import ORIGINS, by_family, fit_without_source, held_out_forecasts, make_rows
from benchmarks.forecast.pairs import forecast_pairs
from benchmarks.forecast.peers import ours
from benchmarks.forecast.scores import Forecast, by_set, by_source, covered
from services.common.comparison import infer_timeframe
from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.backtest import choose_origins
from services.forecaster.engine.points.combination import members
from services.forecaster.engine.scale import BOUNDED

KNOWN = (3, 4, 5, 8, 12, 20, 26)  # points
WINDOWS = 3  # of each series
TARGETS = {
    "12m": (0.97, 0.85),
    "5y": (0.68, 0.54),
    "daily": (0.90, 0.90),
    "monthly": (0.83, 0.76),
}  # MAE, score ÷ Naive2
SOURCES, DRAWS = 20, 20_000
LEADS_ORIGINS = 2


def main() -> int:
    """Prints five tables."""
    exported = export_cases(max(*ORIGINS.values(), LEADS_ORIGINS))
    learned_from = [case for case in exported if case.held_out <= ORIGINS[case.set]]
    last = [case for case in exported if case.held_out == 1]
    for table in (
        few_points(last),
        new_records(learned_from),
        hindsight(learned_from),
        changes_of_lead([case for case in exported if case.held_out <= LEADS_ORIGINS]),
        other_sources(exported),
    ):
        print(*table, "", sep="\n", flush=True)
    return 0


def few_points(last: Sequence[Case]) -> Iterator[str]:
    """Coverage, in per cent, of forecasts from few points, scaled by the maximum of points and horizon."""
    yield "| points known | sources | 95 % covers | 80 % covers |"
    yield "| ---: | ---: | ---: | ---: |"
    for known in KNOWN:
        inside: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for case in last:
            for window in _windows(case, known):
                forecast = ours(window)
                inside[case.source].append(_covers(window, forecast))
        at95, at80 = 100 * np.mean([np.mean(shares, axis=0) for shares in inside.values()], axis=0)
        yield f"| {known} | {len(inside)} | {at95:.0f} | {at80:.0f} |"


def new_records(cases: Sequence[Case]) -> Iterator[str]:
    """Coverage where the maximum of the known part is 100, so that actual values may be above it."""
    yield "| set | values above 100, % | 95 % covers | 80 % covers | 95 %, as exported | 80 %, as exported |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    scaled = [_scaled_by_known(case) for case in cases]
    found, exported = (by_set(some, [ours(case) for case in some]) for some in (scaled, cases))
    for name, score in found.items():
        above: dict[str, list[float]] = defaultdict(list)
        for case in scaled:
            if case.set == name:
                above[case.source].append(float(np.mean(case.actual > 100)))
        share = 100 * np.mean([np.mean(shares) for shares in above.values()])
        before = exported[name]
        yield (
            f"| {name} | {share:.1f} | {score.coverage95[0]:.1f} | {score.coverage80[0]:.1f} "
            f"| {before.coverage95[0]:.1f} | {before.coverage80[0]:.1f} |"
        )


def hindsight(cases: Sequence[Case]) -> Iterator[str]:
    """MAE ÷ Naive2 of the best member of each forecast, chosen in hindsight: a bound for every choice."""
    yield "| set | MAE ÷ Naive2 | the best member of each forecast, in hindsight |"
    yield "| --- | ---: | ---: |"
    computed, best = [ours(case) for case in cases], [_best_member(case) for case in cases]
    chosen = by_set(cases, best)
    for name, score in by_set(cases, computed).items():
        yield f"| {name} | {score.mae:.3f} | {chosen[name].mae:.3f} |"


def changes_of_lead(cases: Sequence[Case]) -> Iterator[str]:
    """How often the lead changed at some date, by `leadChangeRisk`."""
    yield "| leadChangeRisk | pairs | the other was ahead at some date, % |"
    yield "| --- | ---: | ---: |"
    lead_changes: dict[object, list[bool]] = {"low": [], "medium": [], "high": []}
    for case_a, a, case_b, b in forecast_pairs(cases):
        compared = head_to_head(a, b)
        lead = b.head_to_head_input.last_value - a.head_to_head_input.last_value
        if compared and lead:
            lead_changes[compared["leadChangeRisk"]].append(
                bool(((case_b.actual - case_a.actual) * np.sign(lead) < 0).any())
            )
    for risk, changed in lead_changes.items():
        yield f"| {risk} | {len(changed)} | {100 * np.mean(changed):.0f} |"


def other_sources(exported: list[Case]) -> Iterator[str]:
    """How often the targets are met by sources drawn with replacement; last origins, held out."""
    yield f"| set | of {DRAWS:,} draws of {SOURCES} sources, % within the bar of MAE | of the interval score |"
    yield "| --- | ---: | ---: |"
    cases, said = [], []
    for rows in by_family(make_rows(exported)).values():
        for row, forecast in zip(rows, held_out_forecasts(rows, fit_without_source(rows)), strict=True):
            if row.case.held_out == 1:
                cases.append(row.case)
                said.append(forecast)
    drawn = np.random.default_rng(0)
    for name, bars in TARGETS.items():
        of_set = [index for index, case in enumerate(cases) if case.set == name]
        scores = by_source([cases[index] for index in of_set], [said[index] for index in of_set]).values()
        logs = np.log([(score.mae, score.interval_unclipped) for score in scores])
        means = logs[drawn.integers(0, len(logs), (DRAWS, SOURCES))].mean(axis=1)
        mae, interval = 100 * np.mean(np.exp(means) <= bars, axis=0)
        yield f"| {name} | {mae:.1f} | {interval:.1f} |"


def _windows(case: Case, known: int) -> Iterator[Case]:
    values = np.concatenate((case.known, case.actual))
    horizon = infer_timeframe(case.step, known).horizon
    room = len(values) - known - horizon
    for start in np.unique(np.linspace(0, room, WINDOWS).astype(int)) if room >= 0 else ():
        window = values[start : start + known + horizon]
        if window.max() >= 1:
            window = np.round(100 * window / window.max())
            yield replace(case, known=window[:known], actual=window[known:])


def _scaled_by_known(case: Case) -> Case:
    """Rescales a case by the maximum of its known part, if the series itself set the scale of its export."""
    highest, highest_after = float(case.known.max()), float(case.actual.max())
    if not 0 < highest < highest_after or highest_after < 99.5:  # another column of the file set the scale
        return case
    return replace(
        case, known=np.minimum(np.round(100 * case.known / highest, 4), 100), actual=100 * case.actual / highest
    )


def _best_member(case: Case) -> Forecast:
    origins, length = choose_origins(len(case.known), case.horizon)
    logs = BOUNDED.to_log(case.known)
    computed = members(logs, PERIODICITIES[case.step], [*origins, len(logs)], max(case.horizon, length))[
        :, -1, : case.horizon
    ]
    paths = BOUNDED.from_log(computed)
    best = paths[np.abs(paths - case.actual).sum(axis=1).argmin()]
    return Forecast(best, best, best, best, best)


def _covers(case: Case, forecast: Forecast) -> tuple[float, float]:
    return covered(case.actual, forecast.lo95, forecast.hi95), covered(case.actual, forecast.lo80, forecast.hi80)


if __name__ == "__main__":
    sys.exit(main())
