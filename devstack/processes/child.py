"""One process that ends with its parent, and whose output is read line by line."""

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

# The kernel ties a child to the *thread* that started it; this one lives as long as the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_TAIL = 200  # lines kept for error messages
_LONGEST_LINE = 8192  # characters; the rest of a longer line comes as another


class DevstackError(Exception):
    """An error whose text tells the user what to do."""


class Child:
    """A program in a session of its own, so that a Ctrl-C in the terminal reaches it only through its owner."""

    def __init__(self, name: str, *, say: Callable[[str], None] | None = None) -> None:
        self.name = name
        self._say = say
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def spawn(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        at_parents_end: signal.Signals = signal.SIGKILL,
        identity: Identity = Identity.SAME,
    ) -> None:
        """Starts the program; `environment` is the whole of its environment, None this process's own."""
        command = child_command(argv, at_parents_end=at_parents_end, identity=identity)
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
        """The process's id; 0 when it was never started."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self._process.poll() if self._process else None

    @property
    def ended(self) -> str:
        """How it ended, with its last lines, for a message."""
        self.wait(0)
        code = self.exit_code
        if code is None:
            how = "still runs"
        else:
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"{how}; its last lines:\n{self.tail()}"

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self._reader:
            self._reader.join(1)  # what it said last is in the tail then
        return True

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if it is still there."""
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Sends each signal and gives it its seconds; what is left after the last is killed, with its children."""
        for number, seconds in steps:
            self.send(number)
            if self.wait(seconds):
                break
        self.kill_group()

    def kill(self) -> None:
        """SIGKILL to this process alone, as an out-of-memory killer does; returns once it is gone."""
        self.send(signal.SIGKILL)
        self.wait(10)

    def kill_group(self) -> None:
        """SIGKILL to the process and all that it started and left."""
        if self._process is None:
            return
        # macOS says PermissionError of a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait(10)

    def tail(self, lines: int = 20) -> str:
        """The last lines that it wrote, indented for a message."""
        return "\n".join(f"    {line}" for line in list(self._tail)[-lines:])

    def _read(self, output: IO[str]) -> None:
        with output:
            while line := output.readline(_LONGEST_LINE):
                self._tail.append(line.rstrip())
                if self._say:
                    self._say(line.rstrip())
