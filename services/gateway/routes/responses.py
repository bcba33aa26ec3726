"""The JSON bodies of all responses except the premium answer, built from messages of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import TIMEFRAMES, Step
from services.common.rpc.job_status import status_name
from services.gateway.premium.signals import Signals, term_signals

_ENCODER = msgspec.json.Encoder()


class Job(msgspec.Struct, rename="camel"):
    """One warmup job."""

    job_id: int
    slug: str
    timeframe: str
    geo: str
    data_hash: str
    status: str
    attempts: int
    last_error: str | None
    debug_id: str | None
    version: int
    lease_id: int | None
    priority: int
    engine_version: str | None
    reason: str | None
    created_at: datetime | None
    updated_at: datetime | None
    queued_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    not_before: datetime | None
    lease_expires_at: datetime | None
    cooldown_until: datetime | None


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response with `Cache-Control: no-store`."""
    sent = {"cache-control": "no-store", **(headers or {})}
    return Response(encode(body), status, sent, "application/json")


def encode(body: object) -> bytes:
    """Encodes a body."""
    return _ENCODER.encode(body)


def job(row: jobs_pb2.WarmupJob) -> Job:
    """The body of one job."""
    return Job(
        job_id=row.id,
        slug=row.slug,
        timeframe=row.timeframe,
        geo=row.geo,
        data_hash=row.data_hash,
        status=status_name(row.status),
        attempts=row.attempts,
        last_error=row.last_error or None,
        debug_id=row.debug_id or None,
        version=row.version,
        lease_id=row.lease_id or None,
        priority=row.priority,
        engine_version=row.engine_version or None,
        reason=row.reason or None,
        created_at=timestamp(row, "created_at"),
        updated_at=timestamp(row, "updated_at"),
        queued_at=timestamp(row, "queued_at"),
        started_at=timestamp(row, "started_at"),
        completed_at=timestamp(row, "completed_at"),
        not_before=timestamp(row, "not_before"),
        lease_expires_at=timestamp(row, "lease_expires_at"),
        cooldown_until=timestamp(row, "cooldown_until"),
    )


def comparison(row: jobs_pb2.Comparison) -> dict[str, object]:
    """The body of one comparison in a list."""
    return {
        "slug": row.slug,
        "terms": list(row.terms),
        "timeframe": row.timeframe,
        "geo": row.geo,
        "dataHash": row.data_hash,
        "points": row.points,
        "firstDate": period(row.first, row.timeframe),
        "lastDate": period(row.last, row.timeframe),
        "updatedAt": timestamp(row, "updated_at"),
    }


def comparison_detail(row: jobs_pb2.GetComparisonResponse) -> dict[str, object]:
    """The body of one comparison with its series, stats and signals."""
    timeframe = row.comparison.timeframe
    return {
        **comparison(row.comparison),
        "partialLastPeriod": row.partial_last_period,
        "scaledApart": row.scaled_apart,
        "source": row.source,
        "asOf": timestamp(row, "as_of"),
        "stats": {"termA": _stats(row.stats_a), "termB": _stats(row.stats_b)},
        "signals": Signals(term_signals(row.signals_a), term_signals(row.signals_b)),
        "series": [
            {"date": period(point.time, timeframe), "values": [point.value_a, point.value_b]} for point in row.points
        ],
    }


def ingested(row: jobs_pb2.IngestSnapshotResponse) -> dict[str, object]:
    """The body of an import's response."""
    return {
        "slug": row.slug,
        "terms": list(row.terms),
        "timeframe": row.timeframe,
        "geo": row.geo,
        "dataHash": row.data_hash,
        "points": row.points,
        "firstDate": period(row.first, row.timeframe),
        "lastDate": period(row.last, row.timeframe),
        "cleaned": [{"what": cleaning.what, "count": cleaning.count} for cleaning in row.cleaned],
        "partialLastPeriod": row.partial_last_period,
        "scaledApart": row.scaled_apart,
        "geoAssumed": row.geo_assumed,
        "warmupTriggered": row.warmup_triggered,
    }


def run(rows: Sequence[jobs_pb2.WarmupJob]) -> dict[str, object]:
    """The body of a run's response: all jobs, then the fields of the first one (null on an empty queue)."""
    ran = [
        {
            "jobId": row.id,
            "slug": row.slug,
            "debugId": row.debug_id or None,
            "status": status_name(row.status),
            "lastError": row.last_error or None,
        }
        for row in rows
    ]
    first = ran[0] if ran else dict.fromkeys(("jobId", "slug", "debugId", "status", "lastError"))
    return {
        "success": all(row.status == jobs_pb2.JOB_STATUS_READY for row in rows),
        "processed": len(ran),
        "jobs": ran,
        **first,
    }


def swept(row: jobs_pb2.SweepResponse) -> dict[str, object]:
    """The body of a sweep's response."""
    return {
        "requeued": [
            {
                "jobId": each.job.id,
                "slug": each.job.slug,
                "cause": each.cause,
                "status": status_name(each.job.status),
            }
            for each in row.requeued
        ],
        "audited": row.audited,
        "auditSkipped": row.audit_skipped or None,
    }


def trust_stats(row: jobs_pb2.GetTrustStatsResponse) -> dict[str, object]:
    """The body of the track record: in total and of the last 90 days."""
    return {"total": _trust_period(row.total), "last90Days": _trust_period(row.last_90_days)}


def timestamp(row: Message, field: str) -> datetime | None:
    """A timestamp field; None where it is not set."""
    if not row.HasField(field):
        return None
    value: Timestamp = getattr(row, field)
    return value.ToDatetime(tzinfo=UTC)


def period(start: Timestamp, timeframe: str) -> str:
    """The start of a period: a date, or date and time for hourly series."""
    time = start.ToDatetime(tzinfo=UTC)
    known = TIMEFRAMES.get(timeframe)
    hourly = known is not None and known.step is Step.HOURLY
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if hourly else time.date().isoformat()


def _stats(stats: jobs_pb2.TermStats) -> dict[str, float]:
    return {
        "mean": stats.mean,
        "minimum": stats.minimum,
        "maximum": stats.maximum,
        "standardDeviation": stats.standard_deviation,
    }


def _trust_period(period: jobs_pb2.TrustPeriod) -> dict[str, object]:
    return {
        "overall": _trust_stats(period.overall),
        "timeframes": {each.timeframe: _trust_stats(each.stats) for each in period.timeframes},
    }


def _trust_stats(stats: jobs_pb2.TrustStats) -> dict[str, float | None]:
    return {
        "forecasts": stats.forecasts,
        "points": stats.points,
        "winnerRight": stats.winner_right if stats.HasField("winner_right") else None,
        "directionRight": stats.direction_right if stats.HasField("direction_right") else None,
        "coverage80": stats.coverage80 if stats.HasField("coverage80") else None,
        "coverage95": stats.coverage95 if stats.HasField("coverage95") else None,
        "mae": stats.mae if stats.HasField("mae") else None,
        "mase": stats.mase if stats.HasField("mase") else None,
    }
