"""One run: sends a claimed job's snapshot to the forecaster and settles the job with the result."""

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
from services.jobs.domain.reports.history import Failure, failure_of

log = structlog.get_logger()
Settled = TypeVar("Settled")

RUNS = Counter("warmcast_jobs_runs_total", "Runs by outcome", ["outcome"])
RUN_SECONDS = Histogram(
    "warmcast_jobs_run_seconds", "Time from claim to settle", buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 180)
)
_RENEW_AFTER = 0.1  # of the lease; half of the heartbeat interval at the defaults
_LEASE_LOST = "lease-lost"
_LEASE_ID = re.compile(r"[0-9]{1,18}")  # below 2^63
_ENDED = {status: RUNS.labels(status.value) for status in JobStatus} | {None: RUNS.labels(_LEASE_LOST)}
_ENDED_INTERRUPTED = RUNS.labels("interrupted")
_SETTLE_RETRY_SECONDS = 0.5
_SETTLE_SECONDS = 60.0  # by then another runner has rescued the job and adopts the cached bundles


class RunQueue(Protocol):
    """The edges that a run takes; see postgres.queue.Queue."""

    async def heartbeat(self, job: Lease) -> bool: ...

    async def ready(self, job: Lease, forecasts: GeneratedForecasts) -> bool: ...

    async def fail(self, job: Lease, failure: Failure, *, permanent: bool) -> WarmupJob | None: ...

    async def hand_back(self, job: Lease, failure: Failure | None = None, *, delay: float) -> WarmupJob | None: ...

    async def advance_lease_sequence(self, above: int) -> bool: ...


class LeaseLost(Exception):
    """Another runner holds the job; the result of this run is dropped."""


class Runner:
    """Runs claimed jobs concurrently. Stateless."""

    def __init__(self, queue: RunQueue, forecaster: Forecaster, policy: QueuePolicy) -> None:
        self._queue = queue
        self._forecaster = forecaster
        self._policy = policy

    async def run(self, job: ClaimedJob, answered: Callable[[], None] = lambda: None) -> JobStatus | None:
        """Runs one claimed job and returns its status afterwards; None: the lease was lost.

        `answered` is called when the run no longer occupies the forecaster. A cancelled run hands its job back without
        counting the attempt.
        """
        # A run is a task of its own, and so its context ends with it.
        structlog.contextvars.bind_contextvars(job_id=job.id, lease_id=job.lease_id, debug_id=job.debug_id)
        if trace_context.traceparent.get() is None:
            # The dispatcher started this run, not a call: it gets the trace of its claim.
            trace_context.begin_trace_with(job.trace_id.hex)
        begun = time.monotonic()
        try:
            status = await self._attempt(job, answered)
        except LeaseLost:
            status = None
        except asyncio.CancelledError:
            _ENDED_INTERRUPTED.inc()
            await self._queue.hand_back(job, delay=0)
            raise
        _ENDED[status].inc()
        RUN_SECONDS.observe(time.monotonic() - begun)
        log.info("run ended", slug=job.slug, outcome=status or _LEASE_LOST)
        return status

    async def _attempt(self, job: ClaimedJob, answered: Callable[[], None]) -> JobStatus | None:
        log.info("run started", slug=job.slug, timeframe=job.timeframe, geo=job.geo, attempt=job.attempts)
        try:
            forecasts = await self._forecasts(job)
        except WarmcastError as error:
            return await self._settle_failure(job, error)
        finally:
            answered()
        return JobStatus.READY if await _settle(lambda: self._queue.ready(job, forecasts)) else None

    async def _forecasts(self, job: ClaimedJob) -> GeneratedForecasts:
        """The forecaster's result. Each of its heartbeats renews the lease; nothing else does."""
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
                    # The first heartbeat arrives right after the claim; a lease that new needs no renewal.
                    if now() - renewed > _RENEW_AFTER * self._policy.lease:
                        limit.reschedule(deadline)
                        await self._renew(job)
                        renewed = now()
        except TimeoutError:
            if now() >= deadline:
                raise WarmcastError(errors.DEADLINE_EXCEEDED, "the attempt passed its deadline") from None
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster stopped sending heartbeats") from None
        except StopAsyncIteration:
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster ended the call without a result") from None

    async def _renew(self, job: Lease) -> None:
        try:
            held = await self._queue.heartbeat(job)
        except WarmcastError:
            return  # PostgreSQL is unavailable: the lease may still hold, and settling checks it
        if not held:
            raise LeaseLost

    async def _settle_failure(self, job: Lease, error: WarmcastError) -> JobStatus | None:
        failure = failure_of(error)
        log.info("attempt failed", error=failure.error)
        if error.reason is errors.FENCED_OFF:
            await self._advance_leases(error)
        if is_uncounted(error):
            delay = error.retry_after or 1.0
            settled = await _settle(lambda: self._queue.hand_back(job, failure, delay=delay))
            return settled.status if settled else None
        settled = await _settle(lambda: self._queue.fail(job, failure, permanent=is_permanent(error)))
        if settled:
            await self._record_failure(settled)
        return settled.status if settled else None

    async def _advance_leases(self, error: WarmcastError) -> None:
        """Advances the lease sequence past the fence.

        A fence above every lease of PostgreSQL means that an old dump was restored.
        """
        fence = error.metadata.get("leaseId", "")
        if not _LEASE_ID.fullmatch(fence):
            return
        with contextlib.suppress(WarmcastError):
            if await self._queue.advance_lease_sequence(int(fence)):
                log.error("advanced the lease ids past the cache's fence; was an old database restored?", fence=fence)

    async def _record_failure(self, job: WarmupJob) -> None:
        try:
            await self._forecaster.record_failure(job)
        except WarmcastError as error:
            log.warning("could not write the failure's debugging keys", error=error.detail)


async def _settle(write: Callable[[], Awaitable[Settled]]) -> Settled:
    """Writes how a run ended, with retries while PostgreSQL is unavailable and the lease may still hold."""
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        try:
            return await write()
        except WarmcastError:
            if time.monotonic() > until:
                raise LeaseLost from None
        await asyncio.sleep(_SETTLE_RETRY_SECONDS)
