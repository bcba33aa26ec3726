"""How many runs the replicas of the forecaster compute at once, as last heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.jobs.domain.forecaster import ForecasterInfo


class Capacity:
    """For an estimate, which nobody waits for: a forecaster that does not answer must not hold up who asks for one."""

    def __init__(self, ask: Callable[[], Awaitable[ForecasterInfo]]) -> None:
        """`ask` says what all replicas offer."""
        self._ask = ask
        self._slots = 0
        self._asking: asyncio.Task[None] | None = None

    def slots(self) -> int:
        """Worker slots by the last answer; 0 before the first. Another answer is on its way for the next caller."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._hear())
        return self._slots

    async def _hear(self) -> None:
        self._slots = (await self._ask()).worker_slots
