"""What the console shows of each job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from warmcast.jobs.v1 import jobs_pb2

from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO, status_name
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.text import duration
from services.gateway.pages.words import geo_name


@dataclass(frozen=True)
class JobRow:
    """One row of the list."""

    id: int
    path: str
    status: str
    slug: str
    timeframe: str
    geo: str
    reason: str
    attempts: int
    error_reason: str
    error: str
    queued_at: datetime | None
    now: str  # what it is doing, in words


def job_row(job: jobs_pb2.WarmupJob, now: datetime | None = None) -> JobRow:
    """The row of one job."""
    return JobRow(
        id=job.id,
        path=f"/ops/jobs/{job.id}",
        status=status_name(job.status),
        slug=job.slug,
        timeframe=job.timeframe,
        geo=geo_name(job.geo),
        reason=job.reason,
        attempts=job.attempts,
        error_reason=job.error_reason or ("error" if job.last_error else ""),
        error=job.last_error,
        queued_at=timestamp(job, "queued_at"),
        now=_doing(job, now or datetime.now(UTC)),
    )


def _doing(job: jobs_pb2.WarmupJob, now: datetime) -> str:
    status = FROM_PROTO.get(job.status)
    if status is JobStatus.RUNNING:
        return _running(job, now)
    if status is JobStatus.QUEUED:
        return _queued(job, now)
    if status is JobStatus.FAILED:
        until = timestamp(job, "cooldown_until")
        if until is not None and until > now:
            return f"retry possible in {_until(until, now)}"
        return "a request may retry it"
    if status is JobStatus.CANCELLED:
        return "a request may run it"
    started, completed = timestamp(job, "started_at"), timestamp(job, "completed_at")
    return f"took {duration((completed - started).total_seconds())}" if started and completed else ""


def _running(job: jobs_pb2.WarmupJob, now: datetime) -> str:
    started, expires = timestamp(job, "started_at"), timestamp(job, "lease_expires_at")
    parts = [f"for {_since(started, now)}"] if started else []
    if expires:
        parts.append(
            f"lease {_until(expires, now)} left" if expires > now else f"lease expired {_since(expires, now)} ago"
        )
    if job.holder:
        parts.append(f"by {job.holder}")
    return ", ".join(parts)


def _queued(job: jobs_pb2.WarmupJob, now: datetime) -> str:
    not_before = timestamp(job, "not_before")
    if not_before is not None and not_before > now:
        return f"next try in {_until(not_before, now)}"
    due = max((at for at in (not_before, timestamp(job, "queued_at")) if at is not None), default=now)
    return f"due for {_since(due, now)}"


def _since(moment: datetime, now: datetime) -> str:
    return duration(max(0.0, (now - moment).total_seconds()))


def _until(moment: datetime, now: datetime) -> str:
    return duration(max(0.0, (moment - now).total_seconds()))
