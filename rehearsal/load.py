"""Callers under way all the time, and what came of their calls. None is retried."""

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
    """An answer that is not as it should be."""


@dataclass
class Load:
    """One caller for each of `calls`, which repeats its call with a pause of so many seconds."""

    calls: Sequence[Call]
    pause: float
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Calls for as long as the context lasts; those in flight at its end are heard out."""
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
