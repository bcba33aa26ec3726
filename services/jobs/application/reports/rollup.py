"""Keeps the statistics of attempts up to date, on every replica: one computes, the others find nothing to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import structlog
from prometheus_client import Gauge

from services.common.errors import WarmcastError
from services.common.runtime.background import beat, report_failure

log = structlog.get_logger()

BEHIND = Gauge(
    "warmcast_jobs_statistics_behind_seconds",
    "Span of attempts that is not in the statistics yet, after an outage",
)
_EVERY = 20.0  # seconds
_LONGEST_STEP = timedelta(hours=1)
_SHORTEST_STEP = timedelta(minutes=1)


class RollupStore(Protocol):
    """See postgres.reports.rollup.Rollup."""

    async def advance(self, *, most: timedelta, pause: float) -> timedelta: ...


class RollupLoop:
    """Computes one step after the other."""

    def __init__(
        self,
        store: RollupStore,
        *,
        every: float = _EVERY,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._every = every
        self._sleep = sleep
        self._step = _LONGEST_STEP

    async def run(self) -> None:
        """Computes until cancelled."""
        while True:
            left = await self.advance()
            beat()
            # After an outage one step follows the other.
            await self._sleep(0.1 if left else self._every)

    async def advance(self) -> timedelta:
        """Computes one step; returns what is left. A step that fails is tried again at half its length."""
        try:
            left = await self._store.advance(most=self._step, pause=self._every / 2)
        except WarmcastError as error:
            # It may have taken too long: many attempts may have ended in it.
            self._step = max(self._step / 2, _SHORTEST_STEP)
            log.warning("could not compute statistics", reason=error.reason.name)
            return timedelta(0)
        except Exception:
            report_failure()
            return timedelta(0)
        self._step = min(2 * self._step, _LONGEST_STEP)
        BEHIND.set(left.total_seconds())
        return left
