"""Keeps a handful of processes running: starts them in order, restarts what dies or hangs, ends them in reverse."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from devstack.processes.child import DevstackError

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0  # seconds
SILENT_SECONDS = 20.0  # of a health check, after which a part is started again
_PASS_SECONDS = 5.0  # more than a pass of `tend` takes, with the pause to the next
_CHECK_EVERY = 2.0  # seconds
_START_SECONDS = 60.0  # in which a part need not answer yet
_STEADY = 30.0  # seconds after which a process that runs is forgiven its past


class Part(Protocol):
    """One supervised process."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int: ...
    @property
    def running(self) -> bool: ...
    @property
    def ended(self) -> str: ...
    def launch(self) -> None: ...
    def ready(self) -> bool: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...
    def kill_group(self) -> None: ...


@dataclass
class _Watch:
    """One part, and how its restarts went."""

    part: Part
    backoff: float = FIRST_BACKOFF
    launched_at: float = 0.0
    restart_at: float | None = None
    check: Future[bool] | None = None  # of liveness, under way
    check_at: float = 0.0
    alive_at: float | None = None  # when a check last passed; None: not since its launch

    def silent_for(self, now: float) -> float:
        """Seconds without an answer to a liveness check; a part that starts has time for its first."""
        since = self.launched_at + _START_SECONDS if self.alive_at is None else self.alive_at
        return now - since


class Supervisor:
    """Not for several threads; the signal handlers of its owner may interrupt it by raising."""

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._watched: list[_Watch] = []
        self._tended_at = clock()
        # Not on the caller's thread: a part that hangs must not keep the others from being tended.
        self._checks = ThreadPoolExecutor(thread_name_prefix="liveness")

    def start(self, *parts: Part, seconds: float = 90.0) -> None:
        """Starts the parts side by side and returns once all are ready.

        Raises DevstackError with the last lines of the one that ended, or that was not ready in time.
        """
        for part in parts:
            self._watched.append(_Watch(part, launched_at=self._clock()))
            part.launch()
        waiting = list(parts)
        until = self._clock() + seconds
        while waiting := [part for part in waiting if not part.ready()]:
            for part in waiting:
                if not part.running:
                    raise DevstackError(f"{part.name} did not start: it {part.ended}")
                if self._clock() > until:
                    raise DevstackError(f"{part.name} was not ready within {seconds:.0f} s: it {part.ended}")
            time.sleep(0.05)

    def tend(self) -> None:
        """Starts again what has died, after a pause that doubles with each time, and ends what has hung."""
        now = self._clock()
        if now - self._tended_at > _PASS_SECONDS:
            self._forgive_silence(now)
        self._tended_at = now
        for watch in self._watched:
            if watch.part.running:
                if now - watch.launched_at > _STEADY:
                    watch.backoff = FIRST_BACKOFF
                self._check(watch, now)
            elif watch.restart_at is None:
                how = watch.part.ended.partition(";")[0]
                self._say(f"{watch.part.name} {how}; starting it again in {watch.backoff:g} s")
                watch.restart_at = now + watch.backoff
                watch.backoff = min(2 * watch.backoff, LONGEST_BACKOFF)
            elif now >= watch.restart_at:
                self._relaunch(watch)

    def stop(self) -> None:
        """Ends all of it, last started first; returns when nothing is left."""
        while self._watched:
            self._watched[-1].part.stop()
            self._watched.pop()

    def kill(self) -> None:
        """Ends all of it at once, by force."""
        for watch in self._watched:
            watch.part.kill_group()
        self._watched.clear()

    def _forgive_silence(self, now: float) -> None:
        """A supervisor that was suspended itself, or was ending another part, has missed the answers meanwhile."""
        for watch in self._watched:
            watch.alive_at = now if watch.alive_at is not None else None

    def _check(self, watch: _Watch, now: float) -> None:
        """Ends a part that has not answered its liveness checks for long; the next pass starts it again."""
        if watch.check is None and now >= watch.check_at:
            watch.check = self._checks.submit(watch.part.alive)
        if watch.check is not None and watch.check.done():
            if watch.check.exception() is None and watch.check.result():
                watch.alive_at = now
            watch.check, watch.check_at = None, now + _CHECK_EVERY
        if (silent := watch.silent_for(now)) > SILENT_SECONDS:
            self._say(f"{watch.part.name} has not answered its health check for {silent:.0f} s; ending it")
            watch.part.stop()

    def _relaunch(self, watch: _Watch) -> None:
        watch.restart_at = watch.check = watch.alive_at = None
        watch.launched_at = self._clock()
        try:
            watch.part.launch()
        except DevstackError as error:
            self._say(f"{watch.part.name} did not start: {error}")
        else:
            self._say(f"{watch.part.name} runs again as process {watch.part.pid}")
