"""One run: a claimed job, its snapshot sent to the forecaster, and what came of it told to the queue."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog
from prometheus_client import Counter, Histogram

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.telemetry import trace_context
from services.jobs.domain.forecaster import Forecaster, GeneratedForecasts
from services.jobs.domain.job import ClaimedJob, Lease, QueuePolicy, WarmupJob, is_permanent, is_uncounted

log = structlog.get_logger()
Told = TypeVar("Told")

RUNS = Counter("warmcast_jobs_runs_total", "Runs by how they left their job", ["outcome"])
RUN_SECONDS = Histogram(
    "warmcast_jobs_run_seconds", "Time from claim to settled", buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 180)
)
_RENEW_AFTER = 0.1  # of the lease; half of the time between two beats at the defaults
_LEASE_LOST = "lease-lost"
_LEASE_ID = re.compile(r"[0-9]{1,18}")  # below 2^63
_ENDED = {status: RUNS.labels(status.value) for status in JobStatus} | {None: RUNS.labels(_LEASE_LOST)}
_ENDED_INTERRUPTED = RUNS.labels("interrupted")
_SETTLE_PAUSE = 0.5  # seconds between tries to tell a queue that cannot be asked
_SETTLE_SECONDS = 60.0  # after which somebody else has rescued the job, and adopts what is in the cache


class RunQueue(Protocol):
    """The edges that a run takes; see store.queue.Queue."""

    async def heartbeat(self, job: Lease) -> bool: ...

    async def ready(self, job: Lease, forecasts: GeneratedForecasts) -> bool: ...

    async def fail(self, job: Lease, *, error: str, permanent: bool) -> WarmupJob | None: ...

    async def hand_back(self, job: Lease, *, delay: float, error: str | None = None) -> WarmupJob | None: ...

    async def advance_lease_sequence(self, above: int) -> bool: ...


class LeaseLost(Exception):
    """The job is somebody else's now; whatever this run has is dropped."""


class Runner:
    """Runs claimed jobs, any number at once. Holds no state of its own."""

    def __init__(self, queue: RunQueue, forecaster: Forecaster, policy: QueuePolicy) -> None:
        self._queue = queue
        self._forecaster = forecaster
        self._policy = policy

    async def run(self, job: ClaimedJob, answered: Callable[[], None] = lambda: None) -> JobStatus | None:
        """Runs one claimed job to its end; returns the status that it left it in, None: its lease was lost on the way.

        `answered` is called once the run needs the forecaster no more. A run that is cancelled hands its job back, the
        attempt uncounted.
        """
        # A run is a task of its own, and so its context ends with it.
        structlog.contextvars.bind_contextvars(job_id=job.id, lease_id=job.lease_id, debug_id=job.debug_id)
        if trace_context.traceparent.get() is None:
            # Nobody's call asked for this run: it is a trace of its own.
            trace_context.begin_trace()
        begun = time.monotonic()
        try:
            left = await self._attempt(job, answered)
        except LeaseLost:
            left = None
        except asyncio.CancelledError:
            _ENDED_INTERRUPTED.inc()
            await self._queue.hand_back(job, delay=0)
            raise
        _ENDED[left].inc()
        RUN_SECONDS.observe(time.monotonic() - begun)
        log.info("run ended", slug=job.slug, outcome=left or _LEASE_LOST)
        return left

    async def _attempt(self, job: ClaimedJob, answered: Callable[[], None]) -> JobStatus | None:
        log.info("run begins", slug=job.slug, timeframe=job.timeframe, geo=job.geo, attempt=job.attempts)
        try:
            forecasts = await self._forecasts(job)
        except WarmcastError as error:
            return await self._give_up(job, error)
        finally:
            answered()
        return JobStatus.READY if await _tell(lambda: self._queue.ready(job, forecasts)) else None

    async def _forecasts(self, job: ClaimedJob) -> GeneratedForecasts:
        """The forecaster's answer. The lease is renewed at each of its beats, and only then."""
        now = asyncio.get_running_loop().time
        renewed = now()
        deadline = renewed + self._policy.attempt_deadline
        try:
            async with asyncio.timeout(None) as limit, contextlib.aclosing(self._forecaster.generate(job)) as stream:
                while True:
                    limit.reschedule(min(now() + self._policy.lease, deadline))
                    event = await anext(stream)
                    if event is not None:
                        return event
                    # The first beat comes with the order: a lease as new as that is not written anew for it.
                    if now() - renewed > _RENEW_AFTER * self._policy.lease:
                        limit.reschedule(deadline)
                        await self._renew(job)
                        renewed = now()
        except TimeoutError:
            if now() >= deadline:
                raise WarmcastError(errors.DEADLINE_EXCEEDED, "the attempt passed its deadline") from None
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster stopped beating") from None
        except StopAsyncIteration:
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster ended without an answer") from None

    async def _renew(self, job: Lease) -> None:
        try:
            held = await self._queue.heartbeat(job)
        except WarmcastError:
            return  # PostgreSQL is away: the lease may outlast that, and if it does not, settling finds it lost
        if not held:
            raise LeaseLost

    async def _give_up(self, job: Lease, error: WarmcastError) -> JobStatus | None:
        text = f"{error.reason.slug}: {error.detail}"
        log.info("attempt failed", error=text)
        if error.reason is errors.FENCED_OFF:
            await self._outgrow(error)
        if is_uncounted(error):
            delay = error.retry_after or 1.0
            returned = await _tell(lambda: self._queue.hand_back(job, delay=delay, error=text))
            return returned.status if returned else None
        settled = await _tell(lambda: self._queue.fail(job, error=text, permanent=is_permanent(error)))
        if settled:
            await self._leave_mark(settled)
        return settled.status if settled else None

    async def _outgrow(self, error: WarmcastError) -> None:
        """A fence above every lease that PostgreSQL gave out means that an old dump was restored: move past it."""
        fence = error.metadata.get("leaseId", "")
        if not _LEASE_ID.fullmatch(fence):
            return
        with contextlib.suppress(WarmcastError):
            if await self._queue.advance_lease_sequence(int(fence)):
                log.error("lease ids moved past the cache's fence; was an old database restored?", fence=fence)

    async def _leave_mark(self, job: WarmupJob) -> None:
        try:
            await self._forecaster.record_failure(job)
        except WarmcastError as error:
            log.warning("the failure is not under its debugging key", error=error.detail)


async def _tell(settle: Callable[[], Awaitable[Told]]) -> Told:
    """Tells the queue how a run ended, for as long as the queue cannot be asked and it may still matter."""
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        try:
            return await settle()
        except WarmcastError:
            if time.monotonic() > until:
                raise LeaseLost from None
        await asyncio.sleep(_SETTLE_PAUSE)
