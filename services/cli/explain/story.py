"""The services' messages as one story."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.cli.explain.contents import (
    Attempt,
    Bundle,
    BundlePair,
    ForecasterState,
    Job,
    Key,
    Mark,
    Snapshot,
    SnapshotKeys,
    Story,
)
from services.cli.explain.fetch import Fetched
from services.cli.explain.premium import premium_answer
from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO


def build_story(fetched: Fetched) -> Story:
    """The story of what was fetched."""
    warmup = fetched.warmup
    answer, served = premium_answer(fetched)
    versions = [response.engine_version for response in fetched.keys]
    return Story(
        slug=warmup.slug,
        timeframe=warmup.timeframe,
        geo=warmup.geo,
        snapshot=_snapshot(fetched),
        job=_job(warmup) if warmup.HasField("job") else None,
        attempts=[_attempt(each) for each in fetched.attempts],
        forecaster=ForecasterState(
            engine_version=versions[0] if versions else None,
            error=fetched.error.detail if fetched.error else None,
        ),
        keys=_keys(warmup, fetched.keys),
        premium=answer,
        interpretations=msgspec.json.decode(served.interpretations_json or b"null") if served else None,
    )


def _snapshot(fetched: Fetched) -> Snapshot:
    warmup, comparison = fetched.warmup, fetched.comparison
    return Snapshot(
        terms=[warmup.term_a, warmup.term_b],
        points=comparison.comparison.points,
        first=comparison.comparison.first.ToJsonString(),
        last=comparison.comparison.last.ToJsonString(),
        partial_last_period=comparison.partial_last_period,
        scaled_apart=comparison.scaled_apart,
        source=comparison.source,
        as_of=_time(comparison, "as_of"),
        data_hash=warmup.data_hash,
        previous_data_hash=warmup.previous_data_hash or None,
    )


def _job(warmup: jobs_pb2.GetWarmupResponse) -> Job:
    row, status = warmup.job, FROM_PROTO[warmup.job.status]
    next_try = {JobStatus.QUEUED: "not_before", JobStatus.FAILED: "cooldown_until"}.get(status)
    return Job(
        id=row.id,
        status=status.value,
        attempts=row.attempts,
        reason=row.reason or None,
        engine_version=row.engine_version or None,
        lease_id=row.lease_id or None,
        queued_at=_time(row, "queued_at"),
        started_at=_time(row, "started_at"),
        completed_at=_time(row, "completed_at"),
        lease_expires_at=_time(row, "lease_expires_at"),
        next_try=_time(row, next_try) if next_try else None,
        last_error=row.last_error or None,
        debug_id=row.debug_id or None,
        overdue=warmup.overdue,
        cooling_down=warmup.cooling_down,
        queue_position=warmup.queue_position or None,
        eta_seconds=warmup.eta_seconds if warmup.HasField("eta_seconds") else None,
    )


def _attempt(row: operations_pb2.Attempt) -> Attempt:
    return Attempt(
        attempt=row.attempt,
        reason=row.reason,
        lease_id=row.lease_id,
        holder=row.holder,
        due_at=_time(row, "due_at"),
        claimed_at=_time(row, "claimed_at"),
        ended_at=_time(row, "ended_at"),
        outcome=row.outcome,
        error_reason=row.error_reason or None,
        error=row.error or None,
        engine_version=row.engine_version or None,
        debug_id=row.debug_id or None,
        trace_id=row.trace_id or None,
        adopted=row.adopted,
        refused_at=_time(row, "refused_at"),
    )


def _keys(
    warmup: jobs_pb2.GetWarmupResponse, responses: Sequence[forecaster_pb2.InspectKeysResponse]
) -> list[SnapshotKeys]:
    hashes = (warmup.data_hash, warmup.previous_data_hash)
    return [
        SnapshotKeys(
            data_hash=data_hash,
            bundles=[_pair(pair) for pair in response.bundles],
            marks=[Mark(_key(mark.key), mark.text) for mark in response.marks],
        )
        for data_hash, response in zip(hashes, responses, strict=False)
    ]


def _pair(pair: forecaster_pb2.InspectedBundles) -> BundlePair:
    freshness = forecaster_pb2.Freshness.Name(pair.freshness).removeprefix("FRESHNESS_").lower()
    return BundlePair(pair.engine_version, freshness, pair.defect or None, _bundle(pair.term_a), _bundle(pair.term_b))


def _bundle(bundle: forecaster_pb2.InspectedBundle) -> Bundle:
    if not bundle.intact:
        return Bundle(_key(bundle.key), False, bundle.defect or None, None, None, None, None)
    return Bundle(
        key=_key(bundle.key),
        intact=True,
        defect=None,
        lease_id=bundle.lease_id,
        engine_version=bundle.engine_version,
        generated_at=bundle.generated_at.ToJsonString(),
        has_insights=bundle.has_insights,
    )


def _key(key: forecaster_pb2.InspectedKey) -> Key:
    ttl = key.ttl_seconds if key.HasField("ttl_seconds") else None
    return Key(key.name, key.exists, ttl, key.size_bytes)


def _time(
    message: jobs_pb2.WarmupJob | jobs_pb2.GetComparisonResponse | operations_pb2.Attempt, field: str
) -> str | None:
    if not message.HasField(field):  # type: ignore[arg-type] # the stub lists the names
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToJsonString()
