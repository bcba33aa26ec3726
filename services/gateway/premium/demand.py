"""Counts premium answers per comparison and tells jobs now and then: what is asked for is worth refreshing."""

from __future__ import annotations

import asyncio
from itertools import islice

import structlog
from prometheus_client import Counter

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.runtime.background import beat, report_failure
from services.gateway.upstream.clients import Jobs

log = structlog.get_logger()

DROPPED = Counter("warmcast_gateway_demand_dropped_total", "Premium answers that were not counted for want of room")
MOST_A_CALL = 1_000
MOST_TIMES = 100_000  # of one comparison in one call, as jobs takes it
MOST_KEYS = 10_000  # what a jobs outage may pile up: about 2 MB


class Demand:
    """Counts in memory, bounded; reporting is best effort, and what could not be reported is kept for the next try."""

    def __init__(self, jobs: Jobs, most_keys: int = MOST_KEYS) -> None:
        self._jobs = jobs
        self._most_keys = most_keys
        self._counts: dict[ComparisonKey, int] = {}

    def count(self, key: ComparisonKey, times: int = 1) -> None:
        """One more answer for `key`."""
        counted = self._counts.get(key, 0)
        if not counted and len(self._counts) >= self._most_keys:
            DROPPED.inc(times)
            return
        self._counts[key] = min(counted + times, MOST_TIMES)

    async def flush(self) -> None:
        """Reports everything counted so far, 1,000 comparisons a call; stops at the first failure."""
        for _ in range(-(-len(self._counts) // MOST_A_CALL)):
            batch = [(key, self._counts.pop(key)) for key in list(islice(self._counts, MOST_A_CALL))]
            try:
                await self._jobs.report_demand(batch)
            except BaseException as error:
                for key, times in batch:
                    self.count(key, times)
                if not isinstance(error, WarmcastError):
                    raise
                log.debug("demand not reported; the next try carries it", reason=error.reason.name)
                return

    async def report_every(self, seconds: float) -> None:
        """Flushes for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.flush()
            except Exception:
                report_failure()
            beat()
