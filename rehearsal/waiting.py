"""Polling for conditions without an event: a process's end, an answer of the product."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from devstack.processes.child import Child

_POLL_SECONDS = 0.02


async def wait_for_exit(child: Child) -> None:
    """Returns once the process has ended."""
    await wait_until(lambda: not child.running)


async def wait_until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns once the condition is true."""
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(_POLL_SECONDS)


async def ticks(seconds: float) -> AsyncIterator[None]:
    """Yields at once and then every `seconds`, including the time between; at once after a longer pause."""
    due = time.monotonic()
    while True:
        yield
        due = max(due + seconds, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
