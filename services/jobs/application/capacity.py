"""The last known number of worker slots, for estimates."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.jobs.domain.forecaster import ForecasterInfo


class Capacity:
    """Never blocks: an unresponsive forecaster must not delay calls that only need an estimate."""

    def __init__(self, describe: Callable[[], Awaitable[ForecasterInfo]]) -> None:
        """`describe` fetches the slots of all replicas."""
        self._describe = describe
        self._slots = 0
        self._refresh: asyncio.Task[None] | None = None

    def slots(self) -> int:
        """Worker slots by the last response; 0 before the first. Starts a refresh for later callers."""
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._fetch())
        return self._slots

    async def _fetch(self) -> None:
        self._slots = (await self._describe()).worker_slots
