"""Waiting for what has no event: a process, or an answer of the product."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from devstack.processes.child import Child

_LOOK = 0.02  # seconds between two looks


async def ended(child: Child) -> None:
    """Returns once the process is gone."""
    await holds(lambda: not child.running)


async def holds(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns once it does."""
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(_LOOK)


async def ticks(seconds: float) -> AsyncIterator[None]:
    """Yields now and so often from then on, however long the work between takes, unless it takes longer than that."""
    due = time.monotonic()
    while True:
        yield
        due = max(due + seconds, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
