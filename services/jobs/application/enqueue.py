"""Rules for starting episodes of warmup jobs: by premium calls, and by operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, Protocol

from services.common import errors
from services.common.comparison import ComparisonKey, invalid
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.dispatcher import count_rescued
from services.jobs.application.metrics import count_enqueued
from services.jobs.domain.job import EnqueueReason, SweptJob, WarmupJob
from services.jobs.domain.operations import Actor, Record, described
from services.jobs.domain.queue import JobCursor, JobFilter
from services.jobs.domain.warmup import Place, WarmupView


@dataclass(frozen=True)
class EnqueueResult:
    """The job after an enqueue."""

    job: WarmupJob | None  # None: no job exists for that snapshot
    place: Place | None  # None unless the job is queued or running
    enqueued: bool  # this call started the episode


class EnqueueQueue(Protocol):
    """What enqueuing needs of postgres.queue.Queue."""

    async def enqueue_and_place(
        self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
    ) -> tuple[WarmupJob, Place | None] | None: ...

    async def trigger(self, key: ComparisonKey, *, force: bool, record: Record | None = None) -> WarmupJob | None: ...

    async def requeue(
        self, *job_ids: int, status: JobStatus | None = None, record: Record | None = None
    ) -> list[WarmupJob]: ...

    async def cancel(self, job_id: int, *, record: Record | None = None) -> WarmupJob | None: ...

    async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]: ...

    async def promote_one(self, job_id: int) -> tuple[WarmupJob, Place | None] | None: ...

    async def job(self, job_id: int) -> WarmupJob | None: ...


class WarmupViews(Protocol):
    """What enqueuing needs of postgres.comparisons.Comparisons."""

    async def view(self, key: ComparisonKey) -> WarmupView: ...


class JobPages(Protocol):
    """What re-queuing by filter needs of postgres.listings.Listings."""

    async def jobs(
        self, wanted: JobFilter, *, limit: int, before: JobCursor | None = None, oldest_first: bool = False
    ) -> list[WarmupJob]: ...


class Enqueuer:
    """Starts, restarts and cancels episodes. Each is one compare-and-set, so that calls may be concurrent.

    What an operator changes is recorded with the change.
    """

    def __init__(self, queue: EnqueueQueue, views: WarmupViews, pages: JobPages) -> None:
        self._queue = queue
        self._views = views
        self._pages = pages

    async def enqueue(
        self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
    ) -> EnqueueResult:
        """Starts an episode if the row is still at `seen_version` (0: no row); else returns the row unchanged.

        An overdue job at that version is re-queued as the sweep would do it. One that is queued behind first calls is
        promoted at once, except for a refresh, which has forecasts to serve.
        """
        started = await self._queue.enqueue_and_place(key, data_hash, seen_version=seen_version, reason=reason)
        if started is not None:
            count_enqueued(reason)
            return EnqueueResult(*started, enqueued=True)
        view = await self._views.view(key)
        job = view.job if view.data_hash == data_hash else None
        if job is None:
            return EnqueueResult(None, None, enqueued=False)
        if view.overdue and job.version == seen_version:
            swept = await self._queue.sweep(job.id)
            count_rescued(swept)
            if swept:
                view = await self._views.view(key)
                return EnqueueResult(swept[0].job, _place_of(swept[0].job, view), enqueued=True)
        if view.deferred and reason is not EnqueueReason.REFRESH:
            promoted = await self._queue.promote_one(job.id)
            if promoted:
                return EnqueueResult(*promoted, enqueued=False)
        return EnqueueResult(job, _place_of(job, view), enqueued=False)

    async def trigger(self, key: ComparisonKey, *, force: bool, actor: Actor) -> EnqueueResult:
        """Starts an episode for the current snapshot in any state; a running job is only replaced with `force`."""
        job = await self._queue.trigger(key, force=force, record=Record(actor, key._asdict()))
        if job is None:
            return EnqueueResult((await self._views.view(key)).job, None, enqueued=False)
        count_enqueued(EnqueueReason.BY_HAND)
        return EnqueueResult(job, None, enqueued=True)

    async def requeue(self, job_id: int, actor: Actor) -> WarmupJob:
        """Starts a new episode of one job. Raises NOT_FOUND, or WRONG_STATE while it is running."""
        jobs = await self._queue.requeue(job_id, record=Record(actor, {"jobId": job_id}))
        if not jobs:
            await self._refuse(job_id, "requeued")
        count_enqueued(EnqueueReason.BY_HAND)
        return jobs[0]

    async def requeue_matching(self, wanted: JobFilter, *, limit: int, dry_run: bool, actor: Actor) -> list[WarmupJob]:
        """Starts new episodes of up to `limit` matching jobs, oldest first; with `dry_run` only lists them."""
        if wanted.status in (None, JobStatus.RUNNING):
            raise invalid("status", "a status that can be re-queued is needed: queued, ready, failed or cancelled")
        found = await self._pages.jobs(wanted, limit=limit, oldest_first=True)
        if dry_run:
            return found
        record = Record(actor, described(wanted))
        requeued = await self._queue.requeue(*(job.id for job in found), status=wanted.status, record=record)
        count_enqueued(EnqueueReason.BY_HAND, len(requeued))
        return requeued

    async def cancel(self, job_id: int, actor: Actor) -> WarmupJob:
        """Cancels a queued or running job. Raises NOT_FOUND, or WRONG_STATE once it has settled."""
        job = await self._queue.cancel(job_id, record=Record(actor, {"jobId": job_id}))
        return job or await self._refuse(job_id, "cancelled")

    async def job(self, job_id: int) -> WarmupJob:
        """One job. Raises NOT_FOUND."""
        job = await self._queue.job(job_id)
        if job is None:
            raise WarmcastError(errors.NOT_FOUND, f"there is no job {job_id}")
        return job

    async def _refuse(self, job_id: int, action: str) -> NoReturn:
        job = await self.job(job_id)
        raise WarmcastError(errors.WRONG_STATE, f"job {job_id} is {job.status.value} and cannot be {action}")


def _place_of(job: WarmupJob, view: WarmupView) -> Place | None:
    return view.place if view.job and view.job.id == job.id else None
