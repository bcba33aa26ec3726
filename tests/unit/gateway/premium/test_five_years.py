"""The answer of a five-year comparison, with what the forecaster computes for it: its shape and its size."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.encoded import encode
from services.forecaster.insights.pair import pair_insights
from services.forecaster.workers.worker import compare
from services.gateway.premium.answer import render
from tests.unit.gateway.openapi.test_insights import strict
from tests.unit.gateway.premium.samples import READY, answer, forecasts

WEEKS = 261
MAX_COMPRESSED = 20_000  # bytes


def noisy_series(term: str, label: str, rng: np.random.Generator, *, shift: float) -> TermSeries:
    """Season, noise, six events and a change of level by `shift`: each part of the insights has content."""
    weeks = np.arange(WEEKS)
    values = 45 + 15 * np.sin(weeks * 2 * np.pi / 52 + shift) + rng.normal(0, 5, WEEKS)
    values[WEEKS // 2 :] += shift
    values[rng.integers(0, WEEKS, 6)] += 30
    times = tuple(datetime(2021, 1, 3, tzinfo=UTC) + timedelta(weeks=int(week)) for week in weeks)
    shown = tuple(float(value) for value in np.clip(np.round(values), 0, 100))
    return TermSeries(term, label, "5y", times, shown, partial_last_period=True, scaled_apart=False, gaps_filled=False)


def five_year_answer(seed: int) -> bytes:
    """The default answer as JSON, from the engine and the insights."""
    rng = np.random.default_rng(seed)
    a, b = noisy_series("amazon", "termA", rng, shift=0), noisy_series("costco", "termB", rng, shift=15)
    forecast_a, forecast_b = forecast_term(a), forecast_term(b)
    head_to_head = compare(forecast_a, forecast_b)
    insights = encode(pair_insights(a, b, forecast_a, forecast_b, head_to_head))
    moment = "2026-01-01T00:00:00.000Z"
    stamp: dict[str, Any] = {
        "generatedAt": moment,
        "dataFreshness": {"lastUpdatedAt": moment, "source": "google-trends-csv"},
        "engineVersion": "9",
    }
    served = replace(
        forecasts(),
        term_a=msgspec.json.encode(forecast_a.bundle | stamp),
        term_b=msgspec.json.encode(forecast_b.bundle | stamp),
        head_to_head=msgspec.json.encode(head_to_head),
        insights_a=insights.term_a,
        insights_b=insights.term_b,
        together=insights.together,
        interpretations=insights.interpretations,
    )
    return render(answer(READY, served=served), debug=False)


@pytest.mark.parametrize("seed", range(3))
def test_it_conforms_to_the_document_and_has_at_most_20_kb_compressed(seed: int) -> None:
    body = five_year_answer(seed)
    shown = json.loads(body)
    strict("Premium").validate(shown)
    pack = shown["insightsPack"]
    assert len(pack["forecasts"]["headToHead"]["margin"]) == len(pack["forecasts"]["termA"]["points"]) == 26
    for term in ("termA", "termB"):
        insights = pack["insights"][term]
        assert len(insights["decomposition"]["trend"]) == WEEKS
        assert insights["peaks"]
    assert len(pack["interpretations"]) >= 3
    assert len(gzip.compress(body, compresslevel=6)) <= MAX_COMPRESSED
