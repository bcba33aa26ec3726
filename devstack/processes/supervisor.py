"""Supervises processes: starts them in order, restarts those that end or hang, and stops them in reverse order."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from devstack.processes.child import DevstackError

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0  # seconds
SILENT_SECONDS = 20.0  # without a passed health check, after which a process is restarted
_PASS_SECONDS = 5.0  # longer than one pass of `check` and the pause after it
_CHECK_EVERY = 2.0  # seconds
_START_SECONDS = 60.0  # for the first passed health check after a start
_STABLE_SECONDS = 30.0  # seconds of running after which the back-off is reset


class Process(Protocol):
    """One supervised process."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int: ...
    @property
    def running(self) -> bool: ...
    @property
    def exit_summary(self) -> str: ...
    def launch(self) -> None: ...
    def ready(self) -> bool: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...
    def kill_group(self) -> None: ...


@dataclass
class _Supervised:
    """One process and the state of its restarts."""

    process: Process
    backoff: float = FIRST_BACKOFF
    launched_at: float = 0.0
    restart_at: float | None = None
    check: Future[bool] | None = None  # the liveness check in progress
    check_at: float = 0.0
    alive_at: float | None = None  # when a check last passed; None: not since the launch

    def silent_for(self, now: float) -> float:
        """Seconds without a passed liveness check; negative during the time allowed for a start."""
        since = self.launched_at + _START_SECONDS if self.alive_at is None else self.alive_at
        return now - since


class Supervisor:
    """Not thread-safe. A signal handler may interrupt any method by raising."""

    def __init__(self, log: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._supervised: list[_Supervised] = []
        self._checked_at = clock()
        # In threads, so that a process that hangs does not delay the checks of the others.
        self._checks = ThreadPoolExecutor(thread_name_prefix="liveness")

    def start(self, *processes: Process, seconds: float = 90.0) -> None:
        """Starts the processes in parallel and returns once all are ready.

        Raises DevstackError with the last lines of a process that ended or was not ready in time.
        """
        for process in processes:
            self._supervised.append(_Supervised(process, launched_at=self._clock()))
            process.launch()
        waiting = list(processes)
        until = self._clock() + seconds
        while waiting := [process for process in waiting if not process.ready()]:
            for process in waiting:
                if not process.running:
                    raise DevstackError(f"{process.name} did not start: it {process.exit_summary}")
                if self._clock() > until:
                    raise DevstackError(
                        f"{process.name} was not ready within {seconds:.0f} s: it {process.exit_summary}"
                    )
            time.sleep(0.05)

    def check(self) -> None:
        """One pass: restarts processes that ended, with exponential back-off, and ends processes that hang."""
        now = self._clock()
        if now - self._checked_at > _PASS_SECONDS:
            self._reset_silence(now)
        self._checked_at = now
        for entry in self._supervised:
            if entry.process.running:
                if now - entry.launched_at > _STABLE_SECONDS:
                    entry.backoff = FIRST_BACKOFF
                self._check_liveness(entry, now)
            elif entry.restart_at is None:
                how = entry.process.exit_summary.partition(";")[0]
                self._log(f"{entry.process.name} {how}; restarting in {entry.backoff:g} s")
                entry.restart_at = now + entry.backoff
                entry.backoff = min(2 * entry.backoff, LONGEST_BACKOFF)
            elif now >= entry.restart_at:
                self._relaunch(entry)

    def stop(self) -> None:
        """Stops all processes, the last started first, and waits until they have ended."""
        while self._supervised:
            self._supervised[-1].process.stop()
            self._supervised.pop()

    def kill(self) -> None:
        """Kills all processes at once."""
        for entry in self._supervised:
            entry.process.kill_group()
        self._supervised.clear()

    def _reset_silence(self, now: float) -> None:
        """Restarts the count of silence: no checks ran while this process was suspended or was stopping another one."""
        for entry in self._supervised:
            entry.alive_at = now if entry.alive_at is not None else None

    def _check_liveness(self, entry: _Supervised, now: float) -> None:
        """Ends a process that has been silent for too long; the next pass restarts it."""
        if entry.check is None and now >= entry.check_at:
            entry.check = self._checks.submit(entry.process.alive)
        if entry.check is not None and entry.check.done():
            if entry.check.exception() is None and entry.check.result():
                entry.alive_at = now
            entry.check, entry.check_at = None, now + _CHECK_EVERY
        if (silent := entry.silent_for(now)) > SILENT_SECONDS:
            self._log(f"{entry.process.name} has not answered its health check for {silent:.0f} s; ending it")
            entry.process.stop()

    def _relaunch(self, entry: _Supervised) -> None:
        entry.restart_at = entry.check = entry.alive_at = None
        entry.launched_at = self._clock()
        try:
            entry.process.launch()
        except DevstackError as error:
            self._log(f"{entry.process.name} did not start: {error}")
        else:
            self._log(f"{entry.process.name} restarted as process {entry.process.pid}")
