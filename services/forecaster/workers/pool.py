"""The process pool: one worker per slot, a bounded queue, and replacement of failed workers.

Each slot is a pebble pool with one worker and its own pipes, so that killing a worker affects only its own run.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from pebble import CONSTS, ProcessExpired, ProcessPool
from prometheus_client import Counter, Gauge

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry.counters import count_from_zero
from services.forecaster.workers import worker

log = structlog.get_logger()

BUSY = Gauge("warmcast_forecaster_workers_busy", "Workers that are computing")
WAITING = Gauge("warmcast_forecaster_runs_waiting", "Runs that are waiting for a slot")
REPLACED = count_from_zero(
    Counter("warmcast_forecaster_workers_replaced_total", "Replaced workers, by cause", ["cause"]),
    ("cancelled", "starved", "deadline", "died", "died-idle"),
)

WARM_UP_SECONDS = 60.0  # a worker takes 2 to 3 s on an idle core
TERMINATE_SECONDS = 0.2  # from a worker's SIGTERM to its SIGKILL; it has nothing to save
BACKGROUND_SECONDS = 5.0  # a forecast takes about 20 ms of CPU, the longest series under a second
Result = TypeVar("Result")

CONSTS.term_timeout = TERMINATE_SECONDS


class Initializer(Protocol):
    """Called in each new worker with the process id of the parent."""

    def __call__(self, parent: int, *, background: bool) -> None: ...


class Pool:
    """Runs functions in worker processes. Start it in the main thread: workers end with the thread that started them.

    Workers start with background priority, which gets little CPU time on a busy machine. A run that has not ended after
    `background_seconds` is restarted in a worker with normal priority, which replaces the first one.
    """

    def __init__(
        self,
        *,
        slots: int,
        queue_limit: int,
        deadline: float,
        background_seconds: float = BACKGROUND_SECONDS,
        initializer: Initializer = worker.start,
    ) -> None:
        self.slots = slots
        self._max_admitted = slots + queue_limit
        self._deadline = deadline
        self._background_seconds = background_seconds
        self._initializer = initializer
        self._workers: list[ProcessPool] = []
        self._background: set[ProcessPool] = set()  # of the workers
        # LIFO: the last worker used is the warmest, and after a starved run the one with normal priority.
        self._idle: asyncio.LifoQueue[ProcessPool] = asyncio.LifoQueue()
        self._free_slots = asyncio.Semaphore(slots)
        self._admitted = 0
        self._mean_run_seconds = 1.0
        self._ending: set[asyncio.Task[None]] = set()
        self._running: set[Future[Any]] = set()
        self._stopped = False

    @property
    def busy_slots(self) -> int:
        """Slots that runs occupy."""
        return min(self._admitted, self.slots)

    def start(self) -> None:
        """Starts every worker and returns without waiting for them to be warm."""
        for _ in range(self.slots):
            self._idle.put_nowait(self._new_worker(background=True))

    async def wait_until_warm(self) -> None:
        """Returns when every worker is warm; replaces workers that cannot start."""
        while True:
            slots = [await self._idle.get() for _ in range(self.slots)]
            checks = (self._run_in(slot, worker.is_ready, deadline=self._deadline) for slot in slots)
            results = await asyncio.gather(*checks, return_exceptions=True)
            if all(result is True for result in results):
                return
            log.warning("workers are not warm", errors=[str(result) for result in results if result is not True])
            await asyncio.sleep(1)

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Admits one run and waits for a slot, first in first out.

        Raises BUSY with the retry delay if the queue is full.
        """
        if self._admitted >= self._max_admitted:
            retry_after = max(1.0, round(self._mean_run_seconds / self.slots, 1))
            raise WarmcastError(
                errors.BUSY,
                f"the queue is full: {self._admitted} runs are computing or waiting",
                retry_after=retry_after,
            )
        self._admitted += 1
        try:
            with WAITING.track_inprogress():
                await self._free_slots.acquire()
            started = time.monotonic()
            try:
                yield
            finally:
                self._free_slots.release()
            self._mean_run_seconds += 0.2 * (time.monotonic() - started - self._mean_run_seconds)
        finally:
            self._admitted -= 1

    async def run(self, function: Callable[..., Result], *args: object, deadline: float | None = None) -> Result:
        """The function's result, computed in the next idle worker.

        Raises what the function raises; UNAVAILABLE if the worker died, DEADLINE_EXCEEDED if it was killed after
        `deadline` seconds, by default the pool's. Cancelling the call kills the computation and frees the slot.
        """
        deadline = self._deadline if deadline is None else deadline
        # A worker that died while idle, or starved, is not the task's fault: try the next one, at most every slot once.
        for _ in range(self.slots + 1):
            if self._stopped:
                raise WarmcastError(errors.UNAVAILABLE, "the forecaster is stopping", retry_after=1)
            try:
                return await self._run_in(await self._idle.get(), function, *args, deadline=deadline)
            except BrokenProcessPool:
                continue
        raise WarmcastError(errors.UNAVAILABLE, "no worker process can be started", retry_after=5)

    async def stop(self) -> None:
        """Stops every worker, even while computing, and waits until they have ended."""
        self._stopped = True
        for slot in tuple(self._workers):
            self._end(slot)
        await asyncio.gather(*self._ending)
        for future in tuple(self._running):  # their callers are still waiting
            if not future.done():
                future.set_exception(BrokenProcessPool("stopped"))

    async def _run_in(
        self, slot: ProcessPool, function: Callable[..., Result], *args: object, deadline: float
    ) -> Result:
        failure = "cancelled"
        in_background = slot in self._background and self._background_seconds < deadline
        seconds = self._background_seconds if in_background else deadline
        try:
            if slot not in self._workers or not slot.active:
                raise BrokenProcessPool("the worker ended while it was idle")
            with BUSY.track_inprogress():
                # The worker's own deadline starts with the task; this one also covers its warm-up.
                async with asyncio.timeout(seconds + WARM_UP_SECONDS):
                    future = slot.schedule(function, args=args, timeout=seconds)
                    self._running.add(future)
                    future.add_done_callback(self._running.discard)
                    result = await asyncio.wrap_future(future)
            failure = ""
            return result
        except TimeoutError:
            if in_background:
                failure = "starved"
                log.warning("a run with background priority got too little CPU time", seconds=seconds)
                raise BrokenProcessPool("the worker starved") from None
            failure = "deadline"
            detail = f"the computation took over {deadline:g} s"
            raise WarmcastError(errors.DEADLINE_EXCEEDED, detail, retry_after=1) from None
        except ProcessExpired as error:
            failure = "died"
            log.warning("worker ended during a run", pid=error.pid, exit_code=error.exitcode)
            raise WarmcastError(errors.UNAVAILABLE, "the worker process ended", retry_after=1) from None
        except BrokenProcessPool:
            failure = "died-idle"
            raise
        except Exception:
            failure = ""  # raised by the function; the worker is intact
            raise
        finally:
            self._idle.put_nowait(self._replaced(slot, failure) if failure else slot)

    def _replaced(self, slot: ProcessPool, cause: str) -> ProcessPool:
        """A new worker for a failed one; the old one if none can be started, so that the next run tries again."""
        if self._stopped:
            return slot
        if slot in self._workers:
            REPLACED.labels(cause).inc()
            self._workers.remove(slot)
            self._background.discard(slot)
            self._end(slot)
        try:
            return self._new_worker(background=cause != "starved")
        except (OSError, WarmcastError) as error:
            # Lack of memory or process ids is temporary, so the slot must be kept.
            log.error("cannot start a worker process", error=str(error))
            return slot

    def _new_worker(self, *, background: bool) -> ProcessPool:
        slot = ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),  # a fork would copy locks held by grpc's threads
            initializer=partial(self._initializer, os.getpid(), background=background),
        )
        # Reading `active` starts the worker in this thread, whose end also ends the worker.
        if not slot.active:
            raise WarmcastError(errors.UNAVAILABLE, "no worker process can be started", retry_after=5)
        self._workers.append(slot)
        if background:
            self._background.add(slot)
        return slot

    def _end(self, slot: ProcessPool) -> None:
        # In a thread: a worker with background priority needs CPU time to end, which a busy machine gives it late.
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(_end_worker, slot))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _end_worker(slot: ProcessPool) -> None:
    slot.stop()  # type: ignore[no-untyped-call] # untyped in pebble
    slot.join()
