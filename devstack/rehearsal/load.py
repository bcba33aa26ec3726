"""Callers that never pause, and what came of their requests. None is retried."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx

_CALLERS = 6
_PAUSE = 0.02  # seconds; paces the load, which two processors carry beside all the rest


@dataclass
class Load:
    """Reads of one warm comparison and writes of its data, at whatever gateway the Service finds."""

    endpoints: Callable[[], list[str]]
    read: tuple[str, dict[str, str]]  # path and query
    write: Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Calls for as long as the context lasts; those in flight at its end are heard out."""
        ending = asyncio.Event()
        tasks = [asyncio.create_task(self._call(number, ending)) for number in range(_CALLERS)]
        try:
            yield
        finally:
            ending.set()
            await asyncio.gather(*tasks)

    async def _call(self, number: int, ending: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            while not ending.is_set():
                self.done += 1
                if not (found := self.endpoints()):
                    self.failures["the Service finds no gateway"] += 1
                else:
                    await self._one(http, f"http://{random.choice(found)}", writes=number == 0)  # noqa: S311
                await asyncio.sleep(_PAUSE)

    async def _one(self, http: httpx.AsyncClient, base: str, *, writes: bool) -> None:
        try:
            if writes:
                response = await self.write(http, base)
            else:
                path, query = self.read
                response = await http.get(base + path, params=query)
            if not response.is_success:
                self.failures[f"{response.status_code}: {response.text[:200]}"] += 1
            elif not writes and (response.json()["warmupStatus"], response.json()["stale"]) != ("ready", False):
                self.failures["an answer from memory, since somebody could not be asked"] += 1
        except httpx.HTTPError as error:
            self.failures[repr(error)] += 1
