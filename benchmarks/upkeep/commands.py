"""One run of the command line, and what it took of itself, of jobs and of PostgreSQL."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from benchmarks.capacity.usage import cpu_seconds, peak_bytes
from benchmarks.stack import Stack

_LOOK = 0.005  # seconds between two looks at its memory, whose peak so far the kernel keeps
_SERVERS = ("jobs", "postgres")


@dataclass(frozen=True)
class Taken:
    """CPU in seconds of the command and of those that it asked; memory in bytes."""

    command: str
    said: str  # its last line
    seconds: float  # by the clock
    cpu: float
    peak: int
    asked: dict[str, float]


def measure(stack: Stack, *arguments: str, environment: dict[str, str] | None = None) -> Taken:
    """Runs `warmcast` with those arguments. Raises RuntimeError when it fails."""
    before = {name: cpu_seconds(stack.pids[name]) for name in _SERVERS}
    path = stack.folder / "said"
    begun = time.perf_counter()
    with path.open("wb") as said:
        process = stack.start(
            "-m", "services.cli", *arguments, environment=environment, out=said.fileno(), errors=said.fileno()
        )
        peak = 0
        # It is looked at, and not waited for: what it took can be read until then.
        while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            peak = max(peak, peak_bytes(process.pid))
            time.sleep(_LOOK)
    seconds, cpu = time.perf_counter() - begun, cpu_seconds(process.pid)
    words = path.read_text(encoding="utf-8").splitlines()
    if process.wait() != 0:
        raise RuntimeError(f"{' '.join(arguments)}: {words[-3:]}")
    asked = {name: cpu_seconds(stack.pids[name]) - before[name] for name in _SERVERS}
    return Taken(" ".join(arguments), words[-1], seconds, cpu, peak, asked)
