"""The insights of whole comparisons: every series has some, and they agree with the series."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from benchmarks.forecast.exports import ExportedSeries, read_collected, read_exports
from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import EngineSetting, TermSeries
from services.forecaster.insights.as_json import as_json_object
from services.forecaster.insights.encoded import encode
from services.forecaster.insights.pair import pair_insights
from services.forecaster.insights.types import PairInsights
from tests.paths import EXPORTS
from tests.unit.forecaster.engine.series import seasonal, term_series, wandering

Insights = dict[str, Any]  # JSON

SHAPES = {
    "constant": [50.0] * 260,
    "all zero": [0.0] * 260,
    "mostly zero": [0.0] * 200 + [3.0] + [0.0] * 59,
    "three points": [10.0, 30.0, 20.0],
    "520 points": seasonal(520, 52),
    "a launch": [0.0] * 150 + wandering(110),
}


def insights_of(a: TermSeries, b: TermSeries) -> PairInsights:
    """The insights beside forecasts of the cheap engine, which accepts the same seasons."""
    forecast_a, forecast_b = (forecast_term(series, EngineSetting.NAIVE) for series in (a, b))
    return pair_insights(a, b, forecast_a, forecast_b, head_to_head(forecast_a, forecast_b))


def check(a: TermSeries, b: TermSeries) -> Insights:
    """What all insights keep to; returns them as JSON."""
    insights = insights_of(a, b)
    found: Insights = json.loads(json.dumps(as_json_object(insights), allow_nan=False))
    step = TIMEFRAMES[a.timeframe].step
    dates = [period_text(time, step) for time in a.times]
    complete = set(dates[: len(dates) - a.partial_last_period])
    for series, term in ((a, found["termA"]), (b, found["termB"])):
        for peak in term["peaks"]:
            assert {peak["date"], peak["from"], peak["to"]} <= complete
            assert peak["value"] == series.values[dates.index(peak["date"])]
        assert {point["date"] for point in term["changePoints"]} <= complete
        assert len(term["peaks"]) <= 5
        assert len(term["changePoints"]) <= 10
        if decomposition := term["decomposition"]:
            assert len(decomposition["trend"]) == len(dates)
            assert [value is None for value in decomposition["trend"]].count(True) == series.partial_last_period
    if together := found["together"]:
        assert {change["date"] for change in together["leadChanges"]} <= complete
    assert 3 <= len(found["interpretations"]) <= 8
    assert sum(len(sentence["text"]) for sentence in found["interpretations"]) <= 3_000
    return found


@pytest.mark.parametrize("timeframe", sorted(TIMEFRAMES))
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_has_insights(shape: str, timeframe: str) -> None:
    values = SHAPES[shape]
    a = term_series(values, timeframe, partial=True, gaps_filled=True)
    check(a, term_series(values, timeframe, label="termB", partial=True, gaps_filled=True))
    check(a, term_series(wandering(len(values), seed=3), timeframe, label="termB", partial=True, gaps_filled=True))


@pytest.mark.parametrize("timeframe", ["7d", "5y"])
def test_the_longest_series_has_insights(timeframe: str) -> None:
    a, b = (term_series(wandering(5000, seed=seed), timeframe, label=f"term{'AB'[seed]}") for seed in (0, 1))
    check(a, b)


def test_terms_that_are_scaled_apart_have_insights_of_their_own_alone() -> None:
    a, b = (term_series(seasonal(260, 52), "5y", label=label, scaled_apart=True) for label in ("termA", "termB"))
    found = check(a, b)
    assert found["together"] is None
    assert found["termA"]["season"] is not None


def test_the_parts_are_encoded_as_the_contract_has_them() -> None:
    insights = insights_of(*(term_series(seasonal(260, 52), "5y", label=label) for label in ("termA", "termB")))
    encoded, found = encode(insights), as_json_object(insights)
    parts = (encoded.term_a, encoded.term_b, encoded.together, encoded.interpretations)
    assert [json.loads(part) for part in parts] == json.loads(json.dumps(list(found.values())))
    assert {"from", "to"} <= json.loads(encoded.term_a)["season"]["peak"].keys()


def test_a_change_at_known_since_is_recent() -> None:
    shifted = [20.0 + index % 3 for index in range(150)] + [60.0 + index % 3 for index in range(110)]
    a, b = (term_series(shifted, "5y", label=label) for label in ("termA", "termB"))
    known_since = forecast_term(a).bundle["knownSince"]
    assert known_since is not None
    [change] = check(a, b)["termA"]["changePoints"]
    assert (change["date"], change["recent"]) == (known_since, True)


@pytest.mark.slow
def test_every_collected_export_has_insights() -> None:
    assert check_pairs(read_collected()) > 100


@pytest.mark.slow
@pytest.mark.skipif(not (EXPORTS / "INDEX.csv").exists(), reason="the real exports are not beside this checkout")
def test_every_real_export_has_insights() -> None:
    assert check_pairs(read_exports()) > 100


def check_pairs(exports: Iterable[ExportedSeries]) -> int:
    """Checks neighbours of the same shape as comparisons; returns their number."""
    checked = 0
    for a, b in pairs(exports):
        series_a, series_b = (
            term_series(each.values, a.timeframe, label=label, start=a.first.replace(day=1), partial=True)
            for each, label in ((a, "termA"), (b, "termB"))
        )
        check(series_a, replace(series_b, times=series_a.times))
        checked += 1
    return checked


def pairs(exports: Iterable[ExportedSeries]) -> Iterator[tuple[ExportedSeries, ExportedSeries]]:
    """Two series after each other of the same shape; a last one alone with itself."""
    for _, group in groupby(exports, key=lambda each: (each.source, each.timeframe, len(each.values))):
        members = list(group)
        yield from zip(members[::2], members[1::2] or members[:1], strict=False)
