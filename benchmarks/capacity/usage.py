"""CPU and memory of a process and its descendants, from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU time of the process, its descendants, and ended children that were waited for."""
    return sum(_own_seconds(each) for each in _tree(pid))


def peak_bytes(pid: int) -> int:
    """The sum of their peak resident memory; shared pages are counted more than once."""
    return sum(_peak(each) for each in _tree(pid))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found.extend(int(child) for child in _read(task).split())
    return found


def _own_seconds(pid: int) -> float:
    # The name in parentheses may contain spaces; fields 3 and up of proc(5) follow it.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICK


def _peak(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0  # the process is ending


def _read(path: Path) -> str:
    """Empty for a process that has ended; its CPU time is then counted in its parent."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
