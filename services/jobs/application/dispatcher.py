"""Claims jobs and starts their runs: on notifications, on a poll, and for RunWarmup."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.runtime import deadline
from services.common.runtime.background import beat, report_failure
from services.common.telemetry import trace_context
from services.common.telemetry.counters import count_from_zero
from services.jobs.application.metrics import count_enqueued
from services.jobs.application.runner import Runner
from services.jobs.domain.forecaster import Forecaster, ForecasterInfo, ForecasterReplica
from services.jobs.domain.job import Cause, ClaimedJob, Claims, EnqueueReason, SweptJob, WarmupJob
from services.jobs.domain.operations import Actor, Record

log = structlog.get_logger()

RESCUED = count_from_zero(
    Counter("warmcast_jobs_rescued_total", "Stuck jobs that were rescued, by cause", ["cause"]), Cause
)
RUNNING = Gauge("warmcast_jobs_running", "Runs in this process")
_WAIT_FOR_SLOT = 60.0  # seconds that RunWarmup waits while runs occupy every slot
_WAIT_FOR_REPLICA = 5.0  # seconds; a replica that is being replaced is back within these
_CHECK_SLOTS_EVERY = 1.0  # seconds; the number of slots may change while waiting
_PROMOTE_EVERY = 30.0  # seconds
_MIN_PAUSE = 0.02  # seconds; keeps a lease that expires now from causing a tight loop

_Run = asyncio.Task[JobStatus | None]
Result = TypeVar("Result")


class ClaimQueue(Protocol):
    """What the dispatcher needs of postgres.queue.Queue."""

    async def claim(self, limit: int, *, trace_id: str | None = None) -> Claims: ...

    async def promote(self) -> int: ...

    async def claim_one(
        self, job_id: int, *, trace_id: str | None = None, record: Record | None = None
    ) -> ClaimedJob | None: ...

    async def job(self, job_id: int) -> WarmupJob | None: ...


class Dispatcher:
    """Owns all runs of this process: its own, and those of RunWarmup."""

    def __init__(self, queue: ClaimQueue, runner: Runner, forecaster: Forecaster, *, poll: float) -> None:
        self._queue = queue
        self._runner = runner
        self._forecaster = forecaster
        self._poll = poll
        self._woken = asyncio.Event()
        self._runs: set[_Run] = set()
        self._computing = 0  # runs that occupy the forecaster; the others are settling
        self._requested: set[asyncio.Task[Any]] = set()  # calls that run jobs
        self._slot_freed = asyncio.Event()
        self._waiting_for_slot = 0  # calls of RunWarmup; the dispatcher leaves one slot for each
        self._claiming = asyncio.Lock()  # held from a claim until its runs are in `_runs`, where `drain` finds them
        self._draining = False
        self._promoted_at = float("-inf")
        self._more_may_wait = True  # the last claim filled every free slot
        self.passes = 0  # claims so far
        RUNNING.set_function(lambda: len(self._runs))

    @property
    def running(self) -> int:
        """Runs in this process."""
        return len(self._runs)

    def wake(self) -> None:
        """A job or a slot may be available."""
        self._woken.set()
        self._slot_freed.set()

    async def forecaster_info(self) -> ForecasterInfo:
        """The slots of all forecaster replicas; 0 with the cause while none accepts runs."""
        try:
            # The deadline of one caller must not report the forecaster as unavailable to others.
            with deadline.detached():
                return await self._forecaster.describe()
        except WarmcastError as error:
            return ForecasterInfo("", 0, cause=error.detail, replicas=0)

    def forecaster_replicas(self) -> list[ForecasterReplica]:
        """Every replica of the forecaster, also those that accept no runs."""
        return self._forecaster.replicas()

    async def dispatch(self) -> None:
        """Claims and runs jobs, one for each slot of the forecaster. Ends when cancelled or drained."""
        while not self._draining:
            # Cleared before the claim, so that a later wake-up ends the wait below.
            self._woken.clear()
            pause = await self._fill()
            self.passes += 1
            beat()
            if self._woken.is_set():
                continue  # the next claim is sent before the runs of this one start
            await asyncio.sleep(0)  # starts the runs
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            if self._more_may_wait:
                # Runs that end together free their slots together, and one claim fills them all.
                await asyncio.sleep(0)

    async def run_now(self, max_jobs: int) -> list[WarmupJob]:
        """Claims and runs up to `max_jobs` jobs, one after the other, even if the caller disconnects.

        Waits for a free slot before each. Raises WarmcastError(UNAVAILABLE) with nothing claimed if the forecaster
        accepts no runs for 5 s, all slots stay occupied for a minute, or this process shuts down; and after the runs if
        the state of none of their jobs can be read.
        """
        return await self._detached(self._run_in_turn(max_jobs))

    async def run_job(self, job_id: int, actor: Actor) -> WarmupJob:
        """Claims and runs one job, even if the caller disconnects; one that has settled is queued again first.

        Raises NOT_FOUND, WRONG_STATE while the job is running, and UNAVAILABLE as `run_now`.
        """
        return await self._detached(self._run_one(job_id, actor))

    async def drain(self, grace: float) -> None:
        """Stops claiming, waits up to `grace` seconds for runs to end, and hands back the rest."""
        until = time.monotonic() + grace
        self._draining = True
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace), self._claiming:
                pass  # a claim in progress has started its runs
        runs = list(self._runs)
        if not runs:
            return
        _, late = await asyncio.wait(runs, timeout=max(until - time.monotonic(), 0))
        for run in late:
            run.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        log.info("drained", finished=len(runs) - len(late), handed_back=len(late))

    async def _fill(self) -> float:
        """Claims and starts runs; returns how many seconds to wait for a wake-up."""
        poll = self._poll * random.uniform(0.7, 1.0)  # noqa: S311 - keeps replicas from polling in step
        try:
            info = await self.forecaster_info()
            if time.monotonic() - self._promoted_at > _PROMOTE_EVERY:
                await self._queue.promote()
                self._promoted_at = time.monotonic()
            slots = info.worker_slots
            # Half of the slots at a time, so that one half computes during the other's claim. Without a free slot it
            # claims nothing, but still rescues stuck jobs.
            limit, claims, _ = await self._claim(-(-slots // 2), slots, leave=self._waiting_for_slot)
            # A claim below its limit emptied the queue; a later enqueue sends a notification.
            self._more_may_wait = len(claims.claimed) == limit
            if claims.rescued or (self._more_may_wait and self._free(slots) > self._waiting_for_slot):
                # Rescued jobs are queued again, or a slot was freed during the claim.
                self._woken.set()
        except WarmcastError:
            return min(poll, 1.0)
        except Exception:
            report_failure()
            return min(poll, 1.0)
        if not info.worker_slots:
            return min(poll, 1.0)
        due = claims.seconds_until_due
        return poll if due is None else min(poll, max(due, _MIN_PAUSE))

    def _free(self, slots: int) -> int:
        """How many runs may start. All runs, settling ones included, are at most twice the slots."""
        return max(min(slots - self._computing, 2 * slots - len(self._runs)), 0)

    async def _run_in_turn(self, max_jobs: int) -> list[WarmupJob]:
        ran: list[WarmupJob | None] = []
        while len(ran) < max_jobs:
            slots, blocked_reason = await self._until_slot_free()
            if blocked_reason and not ran:
                raise WarmcastError(errors.UNAVAILABLE, f"{blocked_reason}; nothing was claimed", retry_after=5)
            if blocked_reason:
                break
            try:
                limit, claims, runs = await self._claim(1, slots)
            except WarmcastError:
                if ran:
                    break  # the jobs that have run are returned
                raise
            for job, run in zip(claims.claimed, runs, strict=True):
                await asyncio.wait([run])
                ran.append(await self._fetch_after_run(job.id))
            if limit and not claims.claimed and not claims.rescued:
                break
        known = [job for job in ran if job]
        if ran and not known:
            detail = f"runs: {len(ran)}; their results cannot be read because PostgreSQL is unavailable"
            raise WarmcastError(errors.UNAVAILABLE, detail, retry_after=5)
        return known

    async def _run_one(self, job_id: int, actor: Actor) -> WarmupJob:
        job = await self._queue.job(job_id)
        if job is None:
            raise WarmcastError(errors.NOT_FOUND, f"there is no job {job_id}")
        if job.status is not JobStatus.RUNNING:
            run = await self._claim_one(job_id, actor)
            if run is not None:
                if job.status is not JobStatus.QUEUED:
                    count_enqueued(EnqueueReason.BY_HAND)
                await asyncio.wait([run])
                job = await self._fetch_after_run(job_id)
                if job is None:
                    detail = f"job {job_id} ran; its result cannot be read because PostgreSQL is unavailable"
                    raise WarmcastError(errors.UNAVAILABLE, detail, retry_after=5)
                return job
        raise WarmcastError(errors.WRONG_STATE, f"job {job_id} is running already")

    async def _claim_one(self, job_id: int, actor: Actor) -> _Run | None:
        """The run of the job, once a slot is free; None: it is running already."""
        while True:
            slots, blocked_reason = await self._until_slot_free()
            if blocked_reason:
                raise WarmcastError(errors.UNAVAILABLE, f"{blocked_reason}; nothing was claimed", retry_after=5)
            async with self._claiming:
                if self._draining or not self._free(slots):
                    continue  # another claim took the slot
                record = Record(actor, {"jobId": job_id})
                claimed = await self._queue.claim_one(job_id, trace_id=_trace_id(), record=record)
                return self._start(claimed) if claimed else None

    async def _detached(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, which neither the caller's end nor its deadline cancels."""
        with deadline.detached():
            task = asyncio.create_task(work)
        self._requested.add(task)
        task.add_done_callback(self._requested.discard)
        return await asyncio.shield(task)

    async def _fetch_after_run(self, job_id: int) -> WarmupJob | None:
        """The job after its run; None: PostgreSQL is unavailable."""
        try:
            return await self._queue.job(job_id)
        except WarmcastError:
            return None

    async def _until_slot_free(self) -> tuple[int, str]:
        """Waits until a run may start; returns the slots, and why no run may start (empty: one may)."""
        now = time.monotonic()
        until, until_replica = now + _WAIT_FOR_SLOT, now + _WAIT_FOR_REPLICA
        self._waiting_for_slot += 1
        try:
            while True:
                info = await self.forecaster_info()
                if self._draining:
                    return 0, "this process is shutting down"
                if info.worker_slots and self._free(info.worker_slots):
                    return info.worker_slots, ""
                if not info.worker_slots and time.monotonic() > until_replica:
                    return 0, info.cause or "the forecaster accepts no runs"
                if time.monotonic() > until:
                    return 0, f"runs occupy all {info.worker_slots} slots"
                self._slot_freed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_SLOTS_EVERY):
                        await self._slot_freed.wait()
        finally:
            self._waiting_for_slot -= 1

    async def _claim(self, max_jobs: int, slots: int, *, leave: int = 0) -> tuple[int, Claims, list[_Run]]:
        """Claims up to `max_jobs` jobs, limited by free slots minus `leave`, and starts a run for each.

        Returns that limit, the claims, and the runs. While draining it claims none.
        """
        async with self._claiming:
            if self._draining:
                return 0, Claims((), (), None), []
            limit = max(min(self._free(slots) - leave, max_jobs), 0)
            claims = await self._queue.claim(limit, trace_id=_trace_id())
            count_rescued(claims.rescued)
            return limit, claims, [self._start(job) for job in claims.claimed]

    def _start(self, job: ClaimedJob) -> _Run:
        run = asyncio.create_task(self._runner.run(job, self._on_answered))
        self._computing += 1
        self._runs.add(run)
        run.add_done_callback(self._on_ended)
        return run

    def _on_answered(self) -> None:
        self._computing -= 1
        self._slot_freed.set()
        if self._more_may_wait:
            self._woken.set()

    def _on_ended(self, run: _Run) -> None:
        self._runs.discard(run)
        self._slot_freed.set()
        if self._more_may_wait:
            self._woken.set()
        if run.cancelled():
            return
        if error := run.exception():
            # The job is rescued when its lease expires.
            log.error("run crashed", exc_info=error)
            return
        if run.result() is not JobStatus.READY:
            self._woken.set()  # the next attempt may be due before anything else


def _trace_id() -> str | None:
    """Of the call that runs jobs; the dispatcher itself has none."""
    trace = trace_context.traceparent.get()
    return trace.trace_id if trace else None


def count_rescued(swept: tuple[SweptJob, ...]) -> None:
    """Counts and logs rescued jobs."""
    for each in swept:
        RESCUED.labels(each.cause.value).inc()
        log.warning("rescued a stuck job", job_id=each.job.id, cause=each.cause.value, status=each.job.status.value)
