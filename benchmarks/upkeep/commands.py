"""Runs one command and measures its cost in the command, jobs and PostgreSQL."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from benchmarks.capacity.usage import cpu_seconds, peak_bytes
from benchmarks.stack import Stack

_POLL = 0.005  # seconds between reads of its peak memory
_LIMIT = 600.0  # seconds for one command
_SERVERS = ("jobs", "postgres")


@dataclass(frozen=True)
class Cost:
    """The cost of one command: CPU in seconds of itself and of the servers, memory in bytes."""

    command: str
    last_line: str  # its last line
    seconds: float  # by the clock
    cpu: float
    peak: int
    server_cpu: dict[str, float]


def measure(stack: Stack, *arguments: str, environment: dict[str, str] | None = None) -> Cost:
    """Runs `warmcast` with the arguments. Raises RuntimeError if it fails."""
    before = {name: cpu_seconds(stack.pids[name]) for name in _SERVERS}
    path = stack.folder / "output"
    begun = time.perf_counter()
    with path.open("wb") as output:
        process = stack.start(
            "-m", "services.cli", *arguments, environment=environment, out=output.fileno(), errors=output.fileno()
        )
        peak = 0
        # WNOWAIT keeps the process, so that its usage can be read after its end.
        while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            if time.perf_counter() - begun > _LIMIT:
                raise TimeoutError(f"{' '.join(arguments)}: not within {_LIMIT:.0f} s")
            peak = max(peak, peak_bytes(process.pid))
            time.sleep(_POLL)
    seconds, cpu = time.perf_counter() - begun, cpu_seconds(process.pid)
    lines = path.read_text(encoding="utf-8").splitlines()
    if process.wait() != 0:
        raise RuntimeError(f"{' '.join(arguments)}: {lines[-3:]}")
    server_cpu = {name: cpu_seconds(stack.pids[name]) - before[name] for name in _SERVERS}
    return Cost(" ".join(arguments), lines[-1], seconds, cpu, peak, server_cpu)
