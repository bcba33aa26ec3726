"""The bodies of warmup jobs: shown, listed, triggered, run and swept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import jobs_pb2

from services.common.rpc.job_status import status_name
from services.gateway.bodies.fields import Moment, NextCursor, Status, Timeframe, timestamp


class Job(msgspec.Struct, rename="camel"):
    """One warmup job."""

    job_id: int
    slug: str
    timeframe: Timeframe
    geo: str
    data_hash: str
    status: Status
    attempts: Annotated[int, Meta(description="in this episode")]
    last_error: str | None
    debug_id: str | None
    version: Annotated[int, Meta(description="incremented by every change")]
    lease_id: int | None
    priority: int
    engine_version: str | None
    reason: Annotated[str | None, Meta(description="reason of the episode's enqueue")]
    created_at: Moment | None
    updated_at: Moment | None
    queued_at: Moment | None
    started_at: Moment | None
    completed_at: Moment | None
    not_before: Moment | None
    lease_expires_at: Moment | None
    cooldown_until: Moment | None
    holder: Annotated[str | None, Meta(description="the process that runs it; null unless it is running")]
    error_reason: Annotated[str | None, Meta(description="of lastError, such as unavailable")]
    rescues: Annotated[int, Meta(description="how often it was re-queued because its run was lost, over all episodes")]


class JobList(msgspec.Struct, rename="camel"):
    """One page of jobs."""

    jobs: Annotated[list[Job], Meta(description="newest first")]
    next_cursor: NextCursor


class Triggered(msgspec.Struct):
    """The job after a request to enqueue it."""

    job: Job
    enqueued: Annotated[bool, Meta(description="this call changed the job")]


class RanJob(msgspec.Struct, rename="camel"):
    """One job after its run."""

    job_id: int
    slug: str
    debug_id: str | None
    status: Status
    last_error: str | None


class Run(msgspec.Struct, rename="camel"):
    """All jobs that ran, then the fields of the first one."""

    success: Annotated[bool, Meta(description="every processed job is ready; true on an empty queue")]
    processed: Annotated[int, Meta(description="number of jobs that ran")]
    jobs: list[RanJob]
    job_id: Annotated[int | None, Meta(description="of the first job, like the fields below; null on an empty queue")]
    slug: str | None
    debug_id: str | None
    status: str | None
    last_error: str | None


class SweptJob(msgspec.Struct, rename="camel"):
    """One re-queued job."""

    job_id: int
    slug: str
    cause: Annotated[str, Meta(description="queued-overdue, lease-expired, deadline-passed or cache-lost")]
    status: Status


class Sweep(msgspec.Struct, rename="camel"):
    """The result of a sweep."""

    requeued: list[SweptJob]
    audited: Annotated[int, Meta(description="ready jobs whose bundles were checked")]
    audit_skipped: Annotated[str | None, Meta(description="why the audit did not finish")]


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
        holder=row.holder or None,
        error_reason=row.error_reason or None,
        rescues=row.requeues,
    )


def run(rows: Sequence[jobs_pb2.WarmupJob]) -> Run:
    """The body of a run's response."""
    ran = [
        RanJob(row.id, row.slug, row.debug_id or None, status_name(row.status), row.last_error or None) for row in rows
    ]
    return Run(
        success=all(row.status == jobs_pb2.JOB_STATUS_READY for row in rows),
        processed=len(ran),
        jobs=ran,
        **(msgspec.structs.asdict(ran[0]) if ran else dict.fromkeys(RanJob.__struct_fields__)),
    )


def swept(row: jobs_pb2.SweepResponse) -> Sweep:
    """The body of a sweep's response."""
    requeued = [SweptJob(each.job.id, each.job.slug, each.cause, status_name(each.job.status)) for each in row.requeued]
    return Sweep(requeued, row.audited, row.audit_skipped or None)
