"""The process pool: as many workers as slots, a bounded queue before them, and a new worker for each one that failed.

Each slot is a pebble pool of one worker with pipes of its own, so a worker that is killed while it reads from one
takes nothing along but its own run.
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
from pebble import ProcessExpired, ProcessPool
from prometheus_client import Counter, Gauge

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry.counters import count_from_zero
from services.forecaster.workers import worker

log = structlog.get_logger()

BUSY = Gauge("warmcast_forecaster_workers_busy", "Workers that compute right now")
WAITING = Gauge("warmcast_forecaster_runs_waiting", "Runs that wait for a slot")
REPLACED = count_from_zero(
    Counter("warmcast_forecaster_workers_replaced_total", "Workers that were replaced, by cause", ["cause"]),
    ("cancelled", "starved", "deadline", "died", "died-idle"),
)

WARM_UP_SECONDS = 60.0  # a worker is warm in 2 to 3 s on an idle core
BACKGROUND_SECONDS = 5.0  # for what takes some 20 ms of a CPU, and under a second when a series is as long as may be
Result = TypeVar("Result")


class Initializer(Protocol):
    """What is called in each new worker, with this process's id."""

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
        self._room = slots + queue_limit
        self._deadline = deadline
        self._background_seconds = background_seconds
        self._initializer = initializer
        self._workers: list[ProcessPool] = []
        self._background: set[ProcessPool] = set()  # of the workers
        # The last one first: it is the warmest, and after a run that starved the one that gets its share.
        self._idle: asyncio.LifoQueue[ProcessPool] = asyncio.LifoQueue()
        self._turns = asyncio.Semaphore(slots)
        self._admitted = 0
        self._typical_seconds = 1.0
        self._ending: set[asyncio.Task[None]] = set()
        self._running: set[Future[Any]] = set()  # of any function's result
        self._stopped = False

    def start(self) -> None:
        """Starts every worker and returns at once; they warm up by themselves."""
        for _ in range(self.slots):
            self._idle.put_nowait(self._new_worker(background=True))

    async def wait_until_warm(self) -> None:
        """Returns once every worker has answered; one that cannot start is replaced and waited for again."""
        while True:
            slots = [await self._idle.get() for _ in range(self.slots)]
            asked = (self._run_in(slot, worker.is_ready) for slot in slots)
            answers = await asyncio.gather(*asked, return_exceptions=True)
            if all(answer is True for answer in answers):
                return
            log.warning("workers are not warm", errors=[str(answer) for answer in answers if answer is not True])
            await asyncio.sleep(1)

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """One run's place among those that compute, first come first served.

        Raises BUSY with the time to try again when as many wait already as may.
        """
        if self._admitted >= self._room:
            retry_after = max(1.0, round(self._typical_seconds / self.slots, 1))
            raise WarmcastError(
                errors.BUSY, f"{self._admitted} runs are computing or waiting already", retry_after=retry_after
            )
        self._admitted += 1
        try:
            with WAITING.track_inprogress():
                await self._turns.acquire()
            began = time.monotonic()
            try:
                yield
            finally:
                self._turns.release()
            self._typical_seconds += 0.2 * (time.monotonic() - began - self._typical_seconds)
        finally:
            self._admitted -= 1

    async def run(self, function: Callable[..., Result], *args: object) -> Result:
        """The function's result, computed in the next idle worker.

        Raises what the function raises; UNAVAILABLE when the worker died, DEADLINE_EXCEEDED when it was killed for
        taking too long. A caller that is cancelled frees the worker: what it computes is killed.
        """
        # A worker that died before it took the task is no fault of the task, and no more is one that starved with it.
        # Every one may have: each gets its turn.
        for _ in range(self.slots + 1):
            if self._stopped:
                raise WarmcastError(errors.UNAVAILABLE, "the forecaster is stopping", retry_after=1)
            try:
                return await self._run_in(await self._idle.get(), function, *args)
            except BrokenProcessPool:
                continue
        raise WarmcastError(errors.UNAVAILABLE, "no worker process starts", retry_after=5)

    async def stop(self) -> None:
        """Ends every worker, whatever it does, and waits until they are gone."""
        self._stopped = True
        for slot in tuple(self._workers):
            self._end(slot)
        await asyncio.gather(*self._ending)
        for future in tuple(self._running):  # nobody else tells those who still wait
            if not future.done():
                future.set_exception(BrokenProcessPool("stopped"))

    async def _run_in(self, slot: ProcessPool, function: Callable[..., Result], *args: object) -> Result:
        spoiled = "cancelled"
        patient = slot in self._background and self._background_seconds < self._deadline
        deadline = self._background_seconds if patient else self._deadline
        try:
            if slot not in self._workers or not slot.active:
                raise BrokenProcessPool("the worker ended while it was idle")
            with BUSY.track_inprogress():
                # The worker's own deadline begins when it takes the task; this one also covers its warming up.
                async with asyncio.timeout(deadline + WARM_UP_SECONDS):
                    future = slot.schedule(function, args=args, timeout=deadline)
                    self._running.add(future)
                    future.add_done_callback(self._running.discard)
                    result = await asyncio.wrap_future(future)
            spoiled = ""
            return result
        except TimeoutError:
            if patient:
                spoiled = "starved"
                log.warning("a run got too little CPU time in the background", seconds=deadline)
                raise BrokenProcessPool("the worker starved") from None
            spoiled = "deadline"
            detail = f"the computation took over {self._deadline:g} s"
            raise WarmcastError(errors.DEADLINE_EXCEEDED, detail, retry_after=1) from None
        except ProcessExpired as error:
            spoiled = "died"
            log.warning("worker ended in mid-run", pid=error.pid, exit_code=error.exitcode)
            raise WarmcastError(errors.UNAVAILABLE, "the worker process ended", retry_after=1) from None
        except BrokenProcessPool:
            spoiled = "died-idle"
            raise
        except Exception:
            spoiled = ""  # the function's own; the worker goes on
            raise
        finally:
            self._idle.put_nowait(self._replaced(slot, spoiled) if spoiled else slot)

    def _replaced(self, slot: ProcessPool, cause: str) -> ProcessPool:
        """A new worker for a spoiled one; while none can be started the ended one, and the next run tries again."""
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
            # For want of memory or process ids, which pass; a slot that is lost does not come back.
            log.error("no worker can be started", error=str(error))
            return slot

    def _new_worker(self, *, background: bool) -> ProcessPool:
        slot = ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),  # a fork would copy grpc's and the loop's threads' locks
            initializer=partial(self._initializer, os.getpid(), background=background),
        )
        # Asking is what starts it, here and now, in the thread that its end is tied to.
        if not slot.active:
            raise WarmcastError(errors.UNAVAILABLE, "no worker process starts", retry_after=5)
        self._workers.append(slot)
        if background:
            self._background.add(slot)
        return slot

    def _end(self, slot: ProcessPool) -> None:
        # Takes up to 3 s where a worker is deep in C code: asked first, then killed. Meanwhile others compute.
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(_end_worker, slot))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _end_worker(slot: ProcessPool) -> None:
    slot.stop()  # type: ignore[no-untyped-call] # pebble's types leave it out
    slot.join()
