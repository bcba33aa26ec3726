"""One run: a claimed job, its snapshot sent to the forecaster, and what came of it told to the queue."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from prometheus_client import Counter, Histogram

from services.common import errors, telemetry
from services.common.errors import WarmcastError
from services.jobs.forecast import Forecaster, GeneratedForecasts
from services.jobs.job import ClaimedJob, QueuePolicy, WarmupJob, is_permanent, is_uncounted

log = structlog.get_logger()

RUNS = Counter("warmcast_jobs_runs_total", "Runs by how they left their job", ["outcome"])
RUN_SECONDS = Histogram(
    "warmcast_jobs_run_seconds", "Time from claim to settled", buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 180)
)
_SETTLE_PAUSE = 0.5  # seconds between tries to tell a queue that cannot be asked
_SETTLE_SECONDS = 60.0  # after which somebody else has rescued the job, and adopts what is in the cache


class RunQueue(Protocol):
    """The edges that a run takes; see store.queue.Queue."""

    async def heartbeat(self, job: WarmupJob) -> bool: ...

    async def ready(self, job: WarmupJob, forecasts: GeneratedForecasts) -> WarmupJob | None: ...

    async def fail(self, job: WarmupJob, *, error: str, permanent: bool) -> WarmupJob | None: ...

    async def hand_back(self, job: WarmupJob, *, delay: float, error: str | None = None) -> WarmupJob | None: ...

    async def raise_leases(self, above: int) -> bool: ...


class LeaseLost(Exception):
    """The job is somebody else's now; whatever this run has is dropped."""


class Runner:
    """Runs claimed jobs, any number at once. Holds no state of its own."""

    def __init__(self, queue: RunQueue, forecaster: Forecaster, policy: QueuePolicy) -> None:
        self._queue = queue
        self._forecaster = forecaster
        self._policy = policy

    async def run(self, job: ClaimedJob, answered: Callable[[], None] = lambda: None) -> WarmupJob | None:
        """Runs one claimed job to its end and returns it as settled; None: its lease was lost on the way.

        `answered` is called once the run needs the forecaster no more. A run that is cancelled hands its job back, the
        attempt uncounted.
        """
        # A run is a task of its own, and so its context ends with it.
        structlog.contextvars.bind_contextvars(job_id=job.id, lease_id=job.lease_id, debug_id=job.debug_id)
        if telemetry.traceparent.get() is None:
            # Nobody's call asked for this run: it is a trace of its own.
            telemetry.begin_trace()
        begun = time.monotonic()
        try:
            settled = await self._attempt(job, answered)
        except LeaseLost:
            settled = None
        except asyncio.CancelledError:
            RUNS.labels("interrupted").inc()
            await self._queue.hand_back(job, delay=0)
            raise
        outcome = settled.status.value if settled else "lease-lost"
        RUNS.labels(outcome).inc()
        RUN_SECONDS.observe(time.monotonic() - begun)
        log.info("run ended", slug=job.slug, outcome=outcome, error=settled.last_error if settled else None)
        return settled

    async def _attempt(self, job: ClaimedJob, answered: Callable[[], None]) -> WarmupJob | None:
        log.info("run begins", slug=job.slug, timeframe=job.timeframe, geo=job.geo, attempt=job.attempts)
        try:
            forecasts = await self._forecasts(job)
        except WarmcastError as error:
            return await self._give_up(job, error)
        finally:
            answered()
        return await _tell(lambda: self._queue.ready(job, forecasts))

    async def _forecasts(self, job: ClaimedJob) -> GeneratedForecasts:
        """The forecaster's answer. The lease is renewed at each of its beats, and only then."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._policy.attempt_deadline
        try:
            async with asyncio.timeout(None) as limit, contextlib.aclosing(self._forecaster.generate(job)) as stream:
                while True:
                    limit.reschedule(min(now() + self._policy.lease, deadline))
                    event = await anext(stream)
                    if event is not None:
                        return event
                    limit.reschedule(deadline)
                    await self._renew(job)
        except TimeoutError:
            if now() >= deadline:
                raise WarmcastError(errors.DEADLINE_EXCEEDED, "the attempt passed its deadline") from None
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster stopped beating") from None
        except StopAsyncIteration:
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster ended without an answer") from None

    async def _renew(self, job: WarmupJob) -> None:
        try:
            held = await self._queue.heartbeat(job)
        except WarmcastError:
            return  # PostgreSQL is away: the lease may outlast that, and if it does not, settling finds it lost
        if not held:
            raise LeaseLost

    async def _give_up(self, job: WarmupJob, error: WarmcastError) -> WarmupJob | None:
        text = f"{error.reason.slug}: {error.detail}"
        if error.reason is errors.FENCED_OFF:
            await self._outgrow(error)
        if is_uncounted(error):
            delay = error.retry_after or 1.0
            return await _tell(lambda: self._queue.hand_back(job, delay=delay, error=text))
        settled = await _tell(lambda: self._queue.fail(job, error=text, permanent=is_permanent(error)))
        if settled:
            await self._leave_mark(settled)
        return settled

    async def _outgrow(self, error: WarmcastError) -> None:
        """A fence above every lease that PostgreSQL gave out means that an old dump was restored: move past it."""
        fence = error.metadata.get("leaseId", "")
        with contextlib.suppress(WarmcastError):
            if fence.isdecimal() and await self._queue.raise_leases(int(fence)):
                log.error("lease ids moved past the cache's fence; was an old database restored?", fence=fence)

    async def _leave_mark(self, job: WarmupJob) -> None:
        try:
            await self._forecaster.record_failure(job)
        except WarmcastError as error:
            log.warning("the failure is not under its debugging key", error=error.detail)


async def _tell(settle: Callable[[], Awaitable[WarmupJob | None]]) -> WarmupJob | None:
    """Tells the queue how a run ended, for as long as the queue cannot be asked and it may still matter."""
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        try:
            return await settle()
        except WarmcastError:
            if time.monotonic() > until:
                raise LeaseLost from None
        await asyncio.sleep(_SETTLE_PAUSE)
