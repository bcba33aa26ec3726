"""A five-year comparison with forecasts and insights, as the fake services return it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.gateway.pages.charts.inputs import ForecastPoint, MarkKind, Term
from services.gateway.pages.charts.sample import five_year_comparison
from tests.integration.gateway.data import FRESH, HASH, MISSING, Freshness, cached, forecasts, warmup

SLUG, TIMEFRAME = "amazon-vs-costco", "5y"
PATH = f"/compare/{SLUG}?tf={TIMEFRAME}"
TERMS = ("amazon", "costco")
_CHART = five_year_comparison()


def warmed(row: jobs_pb2.WarmupJob | None = None, terms: tuple[str, str] = TERMS, **more: Any) -> Any:
    """The warmup of the comparison."""
    message = warmup(row, **more)
    message.timeframe, (message.term_a, message.term_b) = TIMEFRAME, terms
    return message


def series(terms: tuple[str, str] = TERMS, **more: Any) -> jobs_pb2.GetComparisonResponse:
    """261 weeks; the last one is partial."""
    values = [[value or 0.0 for value in term.values] for term in (_CHART.a, _CHART.b)]
    points = zip(_CHART.dates, *values, strict=True)
    return jobs_pb2.GetComparisonResponse(
        comparison=jobs_pb2.Comparison(
            slug=SLUG, terms=terms, timeframe=TIMEFRAME, geo="", data_hash=HASH, points=len(_CHART.dates)
        ),
        points=[jobs_pb2.ComparisonPoint(time=_stamp(date), value_a=a, value_b=b) for date, a, b in points],
        signals_a=jobs_pb2.TermSignals(trend="flat", last_value=values[0][-2]),
        signals_b=jobs_pb2.TermSignals(trend="flat", last_value=values[1][-2]),
        source="test",
        partial_last_period=True,
        **more,
    )


def ready(
    freshness: Freshness = FRESH,
    data_hash: str = HASH,
    *,
    terms: tuple[str, str] = TERMS,
    scaled_apart: bool = False,
    age: float = 7_500,
) -> forecaster_pb2.CachedForecasts:
    """Both bundles and their insights, made `age` seconds ago."""
    message = cached(freshness, data_hash, age=age, scaled_apart=scaled_apart)
    made = message.generated_at.ToJsonString()
    message.term_a_json = _bundle(message.term_a_json, terms[0], _CHART.a, made)
    message.term_b_json = _bundle(message.term_b_json, terms[1], _CHART.b, made)
    message.insights_a_json, message.insights_b_json = _insights(_CHART.a, 51), _insights(_CHART.b, 47)
    message.interpretations_json = _json([_sentence(*each) for each in _SENTENCES])
    if not scaled_apart:
        message.head_to_head_json = _head_to_head()
    return message


def held(kept: forecaster_pb2.CachedForecasts | None, *older: forecaster_pb2.CachedForecasts) -> Any:
    """The forecaster's response; None: no forecasts."""
    return forecasts(cached(MISSING) if kept is None else kept, *older)


_SENTENCES = (
    ("lead", None, "amazon leads, and leads on in 78 of 100 simulated futures.", {"winnerProbability": 22.0}),
    ("season", "termA", "Interest in amazon is highest in late November, 14 points above its level.", {"effect": 14}),
    ("season", "termB", "Interest in costco is highest in late October, 20 points above its level.", {"effect": 20}),
    ("change", "termB", "The level of costco rose lastingly in May 2024.", {"before": 52.0, "after": 58.5}),
)


def _sentence(rule: str, term: str | None, text: str, evidence: dict[str, float]) -> dict[str, object]:
    return {"id": rule, "term": term, "text": text, "evidence": evidence}


def _bundle(plain: bytes, name: str, term: Term, made: str) -> bytes:
    bundle = json.loads(plain)
    bundle |= {"term": name, "horizon": _CHART.horizon, "generatedAt": made}
    bundle["points"] = [asdict(point) for point in term.forecast]
    bundle["metrics"] |= {"mae": 2.4, "coverage80": 0.79, "coverage95": 0.94, "windows": 24}
    bundle["qualityFlags"]["partialLastPeriod"] = True
    return _json(bundle)


def _insights(term: Term, season_week: int) -> bytes:
    profile = [round(14 * math.exp(-(((week - season_week + 26) % 52 - 26) ** 2) / 18) - 2, 1) for week in range(52)]
    peak = next(mark for mark in term.marks if mark.kind is MarkKind.PEAK)
    change = next(mark for mark in term.marks if mark.kind is MarkKind.CHANGE)
    return _json(
        {
            "decomposition": {
                "method": "stl",
                "period": 52,
                "trend": list(term.values),
                "profile": profile,
                "profileStart": "01-03",
                "seasonalStrength": 0.7,
                "trendStrength": 0.5,
            },
            "season": {
                "peak": {"place": "late November", "from": "11-14", "to": "12-05", "effect": 12.0},
                "low": {"place": "early June", "from": "05-30", "to": "06-20", "effect": -2.0},
            },
            "peaks": [
                {
                    "date": peak.date,
                    "from": peak.date,
                    "to": peak.date,
                    "value": peak.value,
                    "effect": 16.0,
                    "kind": "event",
                    "recurring": False,
                    "z": 6.1,
                }
            ],
            "changePoints": [{"date": change.date, "before": 52.0, "after": 58.5, "recent": False}],
            "yearOverYear": None,
        }
    )


def _head_to_head() -> bytes:
    margin = [
        {"date": a.date, "leadProbability": 22.0, "value": b.value - a.value, **_band(a, b, 80), **_band(a, b, 95)}
        for a, b in zip(_CHART.a.forecast, _CHART.b.forecast, strict=True)
    ]
    return _json(
        {
            "winnerProbability": 22.0,
            "expectedMargin": -6.2,
            "leadChangeRisk": "high",
            "currentMargin": -12.0,
            "crossoverDate": None,
            "margin": margin,
        }
    )


def _band(a: ForecastPoint, b: ForecastPoint, percent: int) -> dict[str, float]:
    half = math.hypot(*(getattr(each, f"upper{percent}") - each.value for each in (a, b)))
    middle = b.value - a.value
    return {f"lower{percent}": middle - half, f"upper{percent}": middle + half}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _stamp(date: str) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.fromisoformat(date).replace(tzinfo=UTC))
    return stamp
