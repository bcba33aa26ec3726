"""Who runs what, when: the dispatcher that is woken by notifications, and runs asked for by hand."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.runtime import deadline
from services.common.runtime.background import beat, report_failure
from services.common.telemetry.counters import count_from_zero
from services.jobs.application.runner import Runner
from services.jobs.domain.forecaster import Forecaster, ForecasterInfo
from services.jobs.domain.job import Cause, ClaimedJob, Claims, SweptJob, WarmupJob

log = structlog.get_logger()

RESCUED = count_from_zero(
    Counter("warmcast_jobs_rescued_total", "Stuck jobs that were taken up again, by cause", ["cause"]), Cause
)
RUNNING = Gauge("warmcast_jobs_running", "Runs in this process")
_WAIT_FOR_SLOT = 60.0  # seconds that RunWarmup waits while runs occupy every slot
_WAIT_FOR_REPLICA = 5.0  # seconds: a replica that is being replaced is followed within these
_CHECK_SLOTS_EVERY = 1.0  # meanwhile; their number may rise, or the forecaster go away
_PROMOTE_EVERY = 30.0  # seconds
_SHORTEST = 0.02  # seconds; a lease that expires this instant is not asked for in a tight loop

_Run = asyncio.Task[JobStatus | None]


class ClaimQueue(Protocol):
    """What the dispatcher needs of store.queue.Queue."""

    async def claim(self, limit: int) -> Claims: ...

    async def promote(self) -> int: ...

    async def job(self, job_id: int) -> WarmupJob | None: ...


class Dispatcher:
    """Owns all runs of this process: those that it starts itself, and those that RunWarmup asks for."""

    def __init__(self, queue: ClaimQueue, runner: Runner, forecaster: Forecaster, *, poll: float) -> None:
        self._queue = queue
        self._runner = runner
        self._forecaster = forecaster
        self._poll = poll
        self._woken = asyncio.Event()
        self._runs: set[_Run] = set()
        self._asking_forecaster = 0  # of the runs: the others have its answer, and tell the queue
        self._asked_for: set[asyncio.Task[list[WarmupJob]]] = set()
        self._slot_freed = asyncio.Event()
        self._waiting_for_slot = 0  # calls of RunWarmup; the dispatcher leaves them as many
        self._taking = asyncio.Lock()  # held from a claim until its runs are among ours, where drain finds them
        self._draining = False
        self._promoted_at = float("-inf")
        self._more_may_wait = True  # the last claim had no slot to spare
        self.passes = 0  # looks at the queue so far
        RUNNING.set_function(lambda: len(self._runs))

    @property
    def running(self) -> int:
        """Runs in this process."""
        return len(self._runs)

    def wake(self) -> None:
        """Something may be there to run, or a slot to run it."""
        self._woken.set()
        self._slot_freed.set()

    async def forecaster_info(self) -> ForecasterInfo:
        """What the replicas of the forecaster offer; no slots, and the cause, while none takes runs."""
        try:
            # One caller who is in a hurry must not make it absent for the others.
            with deadline.detached():
                return await self._forecaster.describe()
        except WarmcastError as error:
            return ForecasterInfo("", 0, cause=error.detail, replicas=0)

    async def dispatch(self) -> None:
        """Claims and runs for ever, as many at once as the forecaster has slots. Ends only when cancelled."""
        while not self._draining:
            # Cleared before the fetch: whatever comes after this line wakes the wait below.
            self._woken.clear()
            pause = await self._fill()
            self.passes += 1
            beat()
            if self._woken.is_set():
                continue  # the next claim is on its way before the runs of this one begin: each has its own processor
            await asyncio.sleep(0)  # they begin
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            if self._more_may_wait:
                # Runs that end together free their slots together, and one claim fills them all.
                await asyncio.sleep(0)

    async def run_now(self, most: int) -> list[WarmupJob]:
        """Claims and runs up to `most` jobs, one after the other; a caller that leaves does not end it.

        Waits for a free slot before each. Raises WarmcastError(UNAVAILABLE), with nothing claimed, when the forecaster
        takes no runs for 5 s, all slots stay occupied for a minute, or this process ends; and after the runs when it is
        unknown how any of them left its job.
        """
        with deadline.detached():
            task = asyncio.create_task(self._run_in_turn(most))
        self._asked_for.add(task)
        task.add_done_callback(self._asked_for.discard)
        return await asyncio.shield(task)

    async def drain(self, grace: float) -> None:
        """Claims no more, lets runs end within `grace` seconds, and hands back those that do not."""
        until = time.monotonic() + grace
        self._draining = True
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace), self._taking:
                pass  # whatever was being claimed runs by now
        runs = list(self._runs)
        if not runs:
            return
        _, late = await asyncio.wait(runs, timeout=max(until - time.monotonic(), 0))
        for run in late:
            run.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        log.info("drained", finished=len(runs) - len(late), handed_back=len(late))

    async def _fill(self) -> float:
        """Starts what can be started; returns how many seconds to sleep if nothing wakes it."""
        poll = self._poll * random.uniform(0.7, 1.0)  # noqa: S311 - keeps replicas from polling in step
        try:
            info = await self.forecaster_info()
            if time.monotonic() - self._promoted_at > _PROMOTE_EVERY:
                await self._queue.promote()
                self._promoted_at = time.monotonic()
            slots = info.worker_slots
            # Half of the slots at a time, so that one half's work goes on during the other's claim. With no slot free
            # it claims nothing, but still frees what is stuck.
            limit, claims, _ = await self._take(-(-slots // 2), slots, leave=self._waiting_for_slot)
            # A claim that came back short saw the queue empty: what is enqueued after it brings a notification.
            self._more_may_wait = len(claims.claimed) == limit
            if claims.rescued or (self._more_may_wait and self._free(slots) > self._waiting_for_slot):
                # Rescued jobs are back in the queue; or a slot came free during the claim, and is to be filled.
                self._woken.set()
        except WarmcastError:
            return min(poll, 1.0)
        except Exception:
            report_failure()
            return min(poll, 1.0)
        if not info.worker_slots:
            return min(poll, 1.0)
        due = claims.seconds_until_due
        return poll if due is None else min(poll, max(due, _SHORTEST))

    def _free(self, slots: int) -> int:
        """How many runs may begin: the forecaster is kept busy, and runs that cannot tell the queue do not pile up."""
        return max(min(slots - self._asking_forecaster, 2 * slots - len(self._runs)), 0)

    async def _run_in_turn(self, most: int) -> list[WarmupJob]:
        ran: list[WarmupJob | None] = []
        while len(ran) < most:
            slots, hindrance = await self._until_slot_free()
            if hindrance and not ran:
                raise WarmcastError(errors.UNAVAILABLE, f"{hindrance}; nothing was claimed", retry_after=5)
            if hindrance:
                break
            try:
                limit, claims, runs = await self._take(1, slots)
            except WarmcastError:
                if ran:
                    break  # what has run is told all the same
                raise
            for job, run in zip(claims.claimed, runs, strict=True):
                await asyncio.wait([run])
                ran.append(await self._as_left(job))
            if limit and not claims.claimed and not claims.rescued:
                break
        known = [job for job in ran if job]
        if ran and not known:
            said = f"{len(ran)} run; how that ended cannot be said while PostgreSQL cannot be asked"
            raise WarmcastError(errors.UNAVAILABLE, said, retry_after=5)
        return known

    async def _as_left(self, job: ClaimedJob) -> WarmupJob | None:
        """The row as it is once the run has ended, however that was; None: nobody can say, and so nothing is said."""
        try:
            return await self._queue.job(job.id)
        except WarmcastError:
            return None

    async def _until_slot_free(self) -> tuple[int, str]:
        """Waits until a run may begin; returns all slots, and why none may begin (empty: one may)."""
        now = time.monotonic()
        until, until_replica = now + _WAIT_FOR_SLOT, now + _WAIT_FOR_REPLICA
        self._waiting_for_slot += 1
        try:
            while True:
                info = await self.forecaster_info()
                if self._draining:
                    return 0, "this process is about to end"
                if info.worker_slots and self._free(info.worker_slots):
                    return info.worker_slots, ""
                if not info.worker_slots and time.monotonic() > until_replica:
                    return 0, info.cause or "the forecaster takes no runs"
                if time.monotonic() > until:
                    return 0, f"runs occupy all {info.worker_slots} slots"
                self._slot_freed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_SLOTS_EVERY):
                        await self._slot_freed.wait()
        finally:
            self._waiting_for_slot -= 1

    async def _take(self, most: int, slots: int, *, leave: int = 0) -> tuple[int, Claims, list[_Run]]:
        """Claims up to `most` jobs, as far as slots are free beyond `leave`, and starts a run for each.

        Returns how many it would have claimed, too. While draining it claims none.
        """
        async with self._taking:
            if self._draining:
                return 0, Claims((), (), None), []
            limit = max(min(self._free(slots) - leave, most), 0)
            claims = await self._queue.claim(limit)
            count_rescued(claims.rescued)
            return limit, claims, [self._start(job) for job in claims.claimed]

    def _start(self, job: ClaimedJob) -> _Run:
        run = asyncio.create_task(self._runner.run(job, self._answered))
        self._asking_forecaster += 1
        self._runs.add(run)
        run.add_done_callback(self._ended)
        return run

    def _answered(self) -> None:
        self._asking_forecaster -= 1
        self._slot_freed.set()
        if self._more_may_wait:
            self._woken.set()

    def _ended(self, run: _Run) -> None:
        self._runs.discard(run)
        self._slot_freed.set()
        if self._more_may_wait:
            self._woken.set()
        if run.cancelled():
            return
        if error := run.exception():
            # The job's lease runs out and it is rescued; what remains is to say why.
            log.error("run crashed", exc_info=error)
            return
        if run.result() is not JobStatus.READY:
            self._woken.set()  # the next attempt may be due before anything else


def count_rescued(swept: tuple[SweptJob, ...]) -> None:
    """Counts and logs jobs that were taken up again."""
    for each in swept:
        RESCUED.labels(each.cause.value).inc()
        log.warning("took up a stuck job", job_id=each.job.id, cause=each.cause.value, status=each.job.status.value)
