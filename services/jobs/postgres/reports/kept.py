"""A value that is read at most every so often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Reads a value when it is asked for and the last one is too old, once for all that wait."""

    def __init__(
        self, read: Callable[[], Awaitable[Value]], *, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._now = now
        self._reading = asyncio.Lock()
        self._last: tuple[float, Value] | None = None

    async def get(self) -> Value:
        """The value, at most `seconds` old. An error of `read` is not kept."""
        async with self._reading:
            if self._last is None or self._now() - self._last[0] > self._seconds:
                self._last = (self._now(), await self._read())
            return self._last[1]
