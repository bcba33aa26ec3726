"""Messages that the fake services return."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

HASH, OLDER_HASH = "0f3a" * 4, "beef" * 4
FRESH, STALE = forecaster_pb2.FRESHNESS_FRESH, forecaster_pb2.FRESHNESS_STALE
MISSING = forecaster_pb2.FRESHNESS_MISSING
QUEUED, RUNNING = jobs_pb2.JOB_STATUS_QUEUED, jobs_pb2.JOB_STATUS_RUNNING
READY, FAILED = jobs_pb2.JOB_STATUS_READY, jobs_pb2.JOB_STATUS_FAILED
CANCELLED = jobs_pb2.JOB_STATUS_CANCELLED

Status: TypeAlias = "jobs_pb2.JobStatus.ValueType"
Freshness: TypeAlias = "forecaster_pb2.Freshness.ValueType"


def moment(text: str) -> Timestamp:
    """A timestamp from an ISO time in UTC."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime.fromisoformat(text).replace(tzinfo=UTC))
    return stamp


def job(status: Status = READY, *, version: int = 7, last_error: str = "", debug_id: str = "debug-1") -> Any:
    """A job; times that do not apply to its state are absent."""
    return jobs_pb2.WarmupJob(
        id=42,
        slug="amazon-vs-costco",
        timeframe="12m",
        geo="",
        data_hash=HASH,
        status=status,
        attempts=1,
        last_error=last_error,
        debug_id=debug_id,
        version=version,
        lease_id=99,
        priority=100,
        engine_version="1",
        reason="first-call",
        created_at=moment("2026-01-01T10:00:00"),
        updated_at=moment("2026-01-01T10:00:01.5"),
    )


def warmup(row: jobs_pb2.WarmupJob | None = None, **more: Any) -> jobs_pb2.GetWarmupResponse:
    """The warmup of amazon-vs-costco."""
    signals = jobs_pb2.TermSignals(trend="rising", volatility=2.5, seasonality=0.4, last_value=61, change4=-3)
    return jobs_pb2.GetWarmupResponse(
        slug="amazon-vs-costco",
        term_a="amazon",
        term_b="costco",
        timeframe="12m",
        geo="",
        data_hash=HASH,
        signals_a=signals,
        signals_b=signals,
        job=row,
        **more,
    )


def cached(
    freshness: Freshness = FRESH, data_hash: str = HASH, *, age: float = 60.0, scaled_apart: bool = False
) -> forecaster_pb2.CachedForecasts:
    """The cached bundles of one snapshot, generated `age` seconds ago."""
    keys: Any = {"term_a_key": f"forecast:amazon:{data_hash}", "term_b_key": f"forecast:costco:{data_hash}"}
    if freshness == MISSING:
        return forecaster_pb2.CachedForecasts(freshness=freshness, **keys)
    generated = Timestamp()
    generated.FromNanoseconds(int((time.time() - age) * 1e9))
    return forecaster_pb2.CachedForecasts(
        freshness=freshness,
        term_a_json=bundle("amazon", "termA"),
        term_b_json=bundle("costco", "termB"),
        head_to_head_json=b"null" if scaled_apart else _HEAD_TO_HEAD,
        insights_a_json=_INSIGHTS,
        insights_b_json=_INSIGHTS,
        together_json=b"null" if scaled_apart else _TOGETHER,
        interpretations_json=_INTERPRETATIONS,
        generated_at=generated,
        engine_version="1",
        **keys,
    )


def forecasts(*each: forecaster_pb2.CachedForecasts) -> forecaster_pb2.GetForecastsResponse:
    """The forecaster's response."""
    return forecaster_pb2.GetForecastsResponse(forecasts=each, engine_version="1")


def bundle(term: str, label: str) -> bytes:
    """One bundle with the contract's fields."""
    outlook = {"averageValue": 60.5, "confidence": 71.0, "keyPoints": ["steady"], "warnings": []}
    point = {"date": "2026-01-11", "value": 60, "lower80": 55, "upper80": 65, "lower95": 50, "upper95": 70}
    flags = ("seriesTooShort", "tooSpiky", "eventShockLikely", "mostlyZero", "recentLaunch", "levelShift")
    return json.dumps(
        {
            "term": term,
            "label": label,
            "direction": "rising",
            "frequency": "weekly",
            "horizon": 13,
            "knownSince": None,
            "points": [point],
            "forecast14Day": outlook,
            "forecast30Day": outlook,
            "method": "theta",
            "metrics": dict.fromkeys(("mae", "mase", "smape", "coverage80", "coverage95"), 1.5) | {"windows": 8},
            "confidence": 71.0,
            "qualityFlags": dict.fromkeys((*flags, "partialLastPeriod", "gapsFilled", "scaledApart"), False),
            "warnings": ["low_confidence"],
            "forecastHash": "abc",
            "generatedAt": "2026-01-01T10:00:00.000Z",
            "dataFreshness": {"lastUpdatedAt": "2026-01-01T00:00:00.000Z", "source": "google-trends-csv"},
            "engineVersion": "1",
        }
    ).encode()


_HEAD_TO_HEAD = json.dumps(
    {
        "winnerProbability": 40.0,
        "expectedMargin": -2.5,
        "leadChangeRisk": "low",
        "currentMargin": -3.0,
        "crossoverDate": None,
        "margin": [
            {
                "date": "2026-01-11",
                "value": -2.5,
                "lower80": -6.0,
                "upper80": 1.0,
                "lower95": -9.0,
                "upper95": 4.0,
                "leadProbability": 19.5,
            }
        ],
    }
).encode()
_INSIGHTS = b'{"decomposition":null,"season":null,"peaks":[],"changePoints":[],"yearOverYear":null}'
_TOGETHER = b'{"correlation":null,"leadLag":null,"leadChanges":[],"sharedSeason":null}'
_INTERPRETATIONS = json.dumps(
    [{"id": f"rule-{number}", "term": None, "text": "A sentence.", "evidence": {"share": 71.0}} for number in range(3)]
).encode()
