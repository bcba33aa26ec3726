"""What the page of a job fetches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.gateway.pages.operations.frame.clients import Clients

ATTEMPTS = 20  # of a page, above the keys


@dataclass(frozen=True)
class JobFacts:
    """The answers of jobs and the forecaster. A part that cannot be had is None, and its error is kept."""

    job: jobs_pb2.WarmupJob
    attempts: operations_pb2.ListAttemptsResponse
    warmup: jobs_pb2.GetWarmupResponse | None  # of the comparison's current snapshot
    keys: forecaster_pb2.InspectKeysResponse | None  # of the job's snapshot
    error: WarmcastError | None

    @property
    def current(self) -> bool:
        """Whether the job is that of the comparison's current snapshot."""
        return self.warmup is not None and self.warmup.data_hash == self.job.data_hash


async def fetch(clients: Clients, job_id: int, cursor: str) -> JobFacts:
    """Calls both services. Raises WarmcastError if jobs fails or does not know the job."""
    job, attempts = await asyncio.gather(
        clients.jobs.get_job(job_id),
        clients.operations.list_attempts(job_id, limit=ATTEMPTS, cursor=cursor),
    )
    warmup = keys = error = None
    try:
        warmup = await clients.jobs.get_warmup(ComparisonKey(job.slug, job.timeframe, job.geo))
        keys = await clients.forecaster.inspect_keys(_snapshot(job, warmup))
    except WarmcastError as failure:
        error = failure
    return JobFacts(job, attempts, warmup, keys, error)


def _snapshot(job: jobs_pb2.WarmupJob, warmup: jobs_pb2.GetWarmupResponse) -> forecaster_pb2.SnapshotKey:
    return forecaster_pb2.SnapshotKey(
        slug=job.slug,
        term_a=warmup.term_a,
        term_b=warmup.term_b,
        timeframe=job.timeframe,
        geo=job.geo,
        data_hash=job.data_hash,
        engine_version=job.engine_version,
    )
