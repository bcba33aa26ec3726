"""Waits for conditions, so that no test waits for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")
_PAUSE = 0.02  # seconds between two checks


def wait_until(condition: Callable[[], Value], timeout: float, what: str, *, pause: float = _PAUSE) -> Value:
    """Waits until the condition returns a true value, and returns it. Fails the test after `timeout` seconds."""
    until = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout:g} s: {what} (last value: {value!r})")
        time.sleep(pause)
    return value


async def wait_until_async(condition: Callable[[], Awaitable[Value]], timeout: float, what: str) -> Value:
    """Same for an async condition. One check takes at most the remaining time."""
    until = time.monotonic() + timeout
    value: Value | None = None
    while True:
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(until - time.monotonic(), _PAUSE)):
                value = await condition()
        except TimeoutError:
            value = None
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout:g} s: {what} (last value: {value!r})")
        await asyncio.sleep(_PAUSE)
