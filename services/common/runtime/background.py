"""Background loops of a process: restarted after errors, counted, and checked for progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from services.common.runtime.backoff import Backoff

log = structlog.get_logger()

FAILURES = Counter(
    "warmcast_background_failures_total",
    "Failures of a background loop, which continues after each",
    ["loop"],
)
_BOUND = 120.0  # seconds; longer than any pass of a loop, also while every store and peer is silent
_WAKE_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0  # seconds before a restart


class RefusedError(Exception):
    """The configuration cannot work. Ends the process with this text as the reason."""


@dataclass(eq=False)
class _Loop:
    name: str
    bound: float
    beat_at: float
    beats: int = 0
    task: asyncio.Task[None] | None = None


_current: ContextVar[_Loop | None] = ContextVar("background_loop", default=None)


def beat() -> None:
    """Reports progress of the calling loop, at any depth. Does nothing outside of a loop."""
    if loop := _current.get():
        loop.beat_at = time.monotonic()
        loop.beats += 1


def report_failure() -> None:
    """Logs the error that is being handled, with its traceback, and counts it for the loop, which continues."""
    loop = _current.get()
    log.exception("background loop failed", loop=loop.name if loop else "")
    if loop:
        FAILURES.labels(loop.name).inc()


async def until_set(event: asyncio.Event) -> None:
    """Waits for an event without a time limit; waiting counts as progress."""
    while not event.is_set():
        beat()
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAKE_SECONDS):
                await event.wait()


class Background:
    """All background loops of one process. `stop` ends them."""

    def __init__(self) -> None:
        self._loops: list[_Loop] = []
        self._draining = False
        self._refused: asyncio.Future[object] | None = None

    def start(self, name: str, work: Callable[[], Awaitable[None]], *, bound: float = _BOUND) -> None:
        """Runs `work` until `stop`, again after each error. `name` is its label in the metric and the log.

        The process counts as dead when `work` has called neither `beat` nor `until_set` for `bound` seconds.
        """
        FAILURES.labels(name)  # starts the series at 0
        loop = _Loop(name, bound, time.monotonic())
        self._loops.append(loop)
        loop.task = asyncio.create_task(self._keep_running(loop, work), name=name)

    def stalled(self) -> list[str]:
        """The names of the loops that have ended, or have made no progress for longer than their bound."""
        if self._draining:
            return []
        now = time.monotonic()
        return [
            loop.name
            for loop in self._loops
            if loop.task is None or loop.task.done() or now - loop.beat_at > loop.bound
        ]

    def alive(self) -> bool:
        """Whether every loop runs and makes progress: what liveness follows."""
        return not self.stalled()

    async def run_until(self, end: Awaitable[object]) -> None:
        """Returns when `end` does. Raises SystemExit(2), its reason in the log, once a loop raises RefusedError."""
        waiting = asyncio.ensure_future(end)
        refused = self._refusal()
        try:
            await asyncio.wait({waiting, refused}, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                refused.result()
        except RefusedError as error:
            log.error(str(error))
            raise SystemExit(2) from None
        finally:
            waiting.cancel()

    def drain(self) -> None:
        """From now on, as the process ends, a loop may end by itself."""
        self._draining = True

    async def stop(self) -> None:
        """Cancels every loop and waits for its end."""
        self._draining = True
        tasks = [loop.task for loop in self._loops if loop.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_running(self, loop: _Loop, work: Callable[[], Awaitable[None]]) -> None:
        _current.set(loop)
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            beats = loop.beats
            try:
                await work()
                if self._draining:
                    return
                raise RuntimeError("the loop ended by itself")
            except RefusedError as error:
                self._refuse(error)
                return
            except asyncio.CancelledError:
                # An awaited call that was cancelled elsewhere raises this too, and must not end the loop.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                report_failure()
            except Exception:
                report_failure()
            if loop.beats > beats:
                backoff.reset()
            loop.beat_at = time.monotonic()
            await asyncio.sleep(backoff.next())

    def _refuse(self, error: RefusedError) -> None:
        if not self._refusal().done():
            self._refusal().set_exception(error)

    def _refusal(self) -> asyncio.Future[object]:
        # Created inside the running loop, which does not exist yet when this object is created.
        self._refused = self._refused or asyncio.get_running_loop().create_future()
        return self._refused
