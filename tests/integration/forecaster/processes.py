"""Observes worker processes by their ids."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from tests.waiting import wait_until


def read_pid(mark: Path) -> int:
    """The id that a worker wrote into the file, or 0."""
    return int(mark.read_text() or 0) if mark.exists() else 0


async def pid_in(mark: Path) -> int:
    """The id that a worker writes into the file."""
    return await asyncio.to_thread(wait_until, partial(read_pid, mark), 30, f"a worker wrote {mark.name}")


async def gone(pid: int) -> None:
    """Returns when the process has ended."""
    await asyncio.to_thread(wait_until, partial(is_gone, pid), 15, f"worker {pid} is gone")


def is_gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
