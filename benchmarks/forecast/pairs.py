"""Scores the winner's probability of the head-to-head."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.forecast.cases import Case
from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import TermForecast, TermSeries

TIMEFRAMES = {"12m": "12m", "5y": "5y", "daily": "3m", "monthly": "all"}
NEAREST = 6  # columns that each column is compared with, so that large files do not dominate


def brier_scores(cases: Sequence[Case]) -> Iterator[str]:
    """A table by set: the Brier score of the winner's probability, for pairs of columns of one file.

    Means over sources, of the means over each one's pairs.
    """
    yield "| head-to-head | sources | pairs | Brier | the leader stays | always 50 % |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    scores: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for case_a, a, case_b, b in forecast_pairs(cases):
        compared = head_to_head(a, b)
        margin = float(case_b.actual.mean() - case_a.actual.mean())
        if compared is None or margin == 0:
            continue
        probability, lead = compared["winnerProbability"], compared["currentMargin"]
        assert isinstance(probability, float)
        assert isinstance(lead, float)
        actual, stays = float(margin > 0), 0.5 if lead == 0 else float(lead > 0)
        scores[case_a.set][case_a.source].append(((probability / 100 - actual) ** 2, (stays - actual) ** 2))
    for name, of_set in scores.items():
        yield _line(name, list(of_set.values()))
    yield _line("all", [pairs for of_set in scores.values() for pairs in of_set.values()])


def forecast_pairs(cases: Sequence[Case]) -> Iterator[tuple[Case, TermForecast, Case, TermForecast]]:
    """The compared columns of each file, with their forecasts."""
    groups: dict[tuple[str, int], list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.series.partition(": ")[0], len(case.known)].append(case)
    for group in groups.values():
        computed = [(case, forecast_term(_series(case))) for case in group] if len(group) > 1 else []
        for index, (case, forecast) in enumerate(computed):
            yield from ((case, forecast, *other) for other in computed[index + 1 : index + 1 + NEAREST])


def _series(case: Case) -> TermSeries:
    start = datetime(1990, 1, 1, tzinfo=UTC)
    return TermSeries(
        term=case.series,
        label="termA",
        timeframe=TIMEFRAMES[case.set],
        times=tuple(start + timedelta(days=30 * number) for number in range(len(case.known))),
        values=tuple(case.known.tolist()),
        partial_last_period=False,
        scaled_apart=False,
        gaps_filled=False,
    )


def _line(name: str, by_source: Sequence[Sequence[tuple[float, float]]]) -> str:
    ours, stays = np.mean([np.mean(pairs, axis=0) for pairs in by_source], axis=0)
    return f"| {name} | {len(by_source)} | {sum(map(len, by_source))} | {ours:.3f} | {stays:.3f} | 0.250 |"
