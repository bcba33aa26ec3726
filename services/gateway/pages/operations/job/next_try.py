"""When a job is tried next, and why then."""

from __future__ import annotations

from datetime import datetime

from warmcast.jobs.v1 import jobs_pb2

from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.operations.job.facts import JobFacts
from services.gateway.pages.text import duration
from services.gateway.pages.words import ordinal


def next_try(facts: JobFacts, now: datetime) -> str:
    """One or two sentences."""
    job = facts.job
    if not facts.current and facts.warmup is not None:
        return "None: the comparison has newer data, which have a job of their own."
    status = FROM_PROTO.get(job.status)
    if status is JobStatus.RUNNING:
        return "It runs now. If its lease expires, it is queued again at once."
    if status is JobStatus.QUEUED:
        return _queued(job, facts.warmup, now)
    if status in (JobStatus.FAILED, JobStatus.CANCELLED):
        until = timestamp(job, "cooldown_until")
        if until is not None and until > now:
            return f"A request starts it again after its cool-down, in {duration((until - now).total_seconds())}."
        return "The next request starts it again."
    return "When its forecast is stale or lost, the next request or the refresh starts it again."


def _queued(job: jobs_pb2.WarmupJob, warmup: jobs_pb2.GetWarmupResponse | None, now: datetime) -> str:
    not_before = timestamp(job, "not_before")
    if not_before is not None and not_before > now:
        cause = job.error_reason or "an error"
        wait = duration((not_before - now).total_seconds())
        return f"In {wait}, because attempt {job.attempts} ended with {cause}." if job.last_error else f"In {wait}."
    place = f"It is {ordinal(warmup.queue_position)} in line" if warmup and warmup.queue_position else "It waits"
    eta = f", about {duration(warmup.eta_seconds)}" if warmup and warmup.HasField("eta_seconds") else ""
    return f"As soon as a runner is free. {place}{eta}."
