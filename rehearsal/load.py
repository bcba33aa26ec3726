"""Concurrent callers that repeat their calls, and counts of failures. No call is retried."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import grpc
import httpx

Call = Callable[[], Awaitable[object]]


class Failed(Exception):
    """An unexpected answer."""


@dataclass
class Load:
    """One caller for each of `calls`. `pause` is the time in seconds between two calls."""

    calls: Sequence[Call]
    pause: float
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the callers during the context, and waits for calls in flight at its end."""
        ending = asyncio.Event()
        tasks = [asyncio.create_task(self._repeat(call, ending)) for call in self.calls]
        try:
            yield
        finally:
            ending.set()
            await asyncio.gather(*tasks)

    async def _repeat(self, call: Call, ending: asyncio.Event) -> None:
        while not ending.is_set():
            try:
                await call()
            except grpc.aio.AioRpcError as error:
                self.failures[f"{error.code().name}: {error.details()}"] += 1
            except httpx.HTTPError as error:
                self.failures[repr(error)] += 1
            except Failed as error:
                self.failures[str(error)] += 1
            self.done += 1
            await asyncio.sleep(self.pause)
