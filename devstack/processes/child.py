"""A child process that the kernel ends with its parent, and whose output is read line by line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from devstack.processes.child_process import Identity, child_command

# The kernel ends a child when the *thread* that started it ends. This thread lives as long as the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_TAIL = 200  # lines kept for error messages
_LONGEST_LINE = 8192  # characters; a longer line is split


class DevstackError(Exception):
    """An error whose message says what is wrong and what the user can do."""


class Child:
    """A program in its own process group, so that Ctrl-C in the terminal does not reach it directly."""

    def __init__(self, name: str, *, on_line: Callable[[str], None] | None = None) -> None:
        self.name = name
        self._on_line = on_line
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def spawn(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        parent_death_signal: signal.Signals = signal.SIGKILL,
        identity: Identity = Identity.SAME,
    ) -> None:
        """Starts the program. `environment` replaces this process's environment; None inherits it."""
        command = child_command(argv, parent_death_signal=parent_death_signal, identity=identity)
        self._tail.clear()
        self._process = _spawner.submit(
            subprocess.Popen,
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            cwd=cwd,
            process_group=0,
        ).result()
        assert self._process.stdout is not None  # noqa: S101 - a pipe, see above
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"{self.name} output", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -N after signal N."""
        return self._process.poll() if self._process else None

    @property
    def exit_summary(self) -> str:
        """How the process ended and its last lines, for an error message."""
        self.wait(0)
        code = self.exit_code
        if code is None:
            how = "is still running"
        else:
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"{how}; its last lines:\n{self.tail()}"

    def wait(self, seconds: float) -> bool:
        """Waits for the process to end. Returns whether it did within that time."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self._reader:
            self._reader.join(1)  # until the tail holds its last lines
        return True

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process if it is still running."""
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Sends each signal and waits its seconds for the process to end, then kills the whole process group."""
        for number, seconds in steps:
            self.send(number)
            if self.wait(seconds):
                break
        self.kill_group()

    def kill(self) -> None:
        """Sends SIGKILL to this process alone, as the out-of-memory killer does, and waits until it has ended."""
        self.send(signal.SIGKILL)
        self.wait(10)

    def kill_group(self) -> None:
        """Sends SIGKILL to the whole process group."""
        if self._process is None:
            return
        # macOS raises PermissionError for a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait(10)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output, indented for an error message."""
        return "\n".join(f"    {line}" for line in list(self._tail)[-lines:])

    def _read(self, output: IO[str]) -> None:
        with output:
            while line := output.readline(_LONGEST_LINE):
                self._tail.append(line.rstrip())
                if self._on_line:
                    self._on_line(line.rstrip())
