"""Keeps a handful of processes running: starts them in order, restarts what dies, and ends them in reverse."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from devstack.child import DevstackError

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0  # seconds
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
    def stop(self) -> None: ...
    def kill_group(self) -> None: ...


@dataclass
class _Watch:
    """One part, and how its restarts went."""

    part: Part
    backoff: float = FIRST_BACKOFF
    launched_at: float = 0.0
    restart_at: float | None = None


class Supervisor:
    """Not for several threads; the signal handlers of its owner may interrupt it by raising."""

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._watched: list[_Watch] = []

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
        """One look at everything; what has died is started again, after a pause that doubles with each time."""
        now = self._clock()
        for watch in self._watched:
            if watch.part.running:
                if now - watch.launched_at > _STEADY:
                    watch.backoff = FIRST_BACKOFF
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

    def _relaunch(self, watch: _Watch) -> None:
        watch.restart_at = None
        watch.launched_at = self._clock()
        try:
            watch.part.launch()
        except DevstackError as error:
            self._say(f"{watch.part.name} did not start: {error}")
        else:
            self._say(f"{watch.part.name} runs again as process {watch.part.pid}")
