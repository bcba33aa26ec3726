"""Counts premium answers per comparison and reports them to jobs, which refreshes what is in demand."""

from __future__ import annotations

import asyncio
from itertools import islice

import structlog
from prometheus_client import Counter

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.runtime.background import beat
from services.gateway.upstream.clients import Jobs

log = structlog.get_logger()

DROPPED = Counter(
    "warmcast_gateway_demand_dropped_total", "Premium answers left out of the demand because its table was full"
)
MAX_KEYS_PER_CALL = 1_000
MAX_COUNT = 100_000  # of one comparison in one call; the limit of jobs
MAX_KEYS = 10_000  # kept during an outage of jobs: about 2 MB


class Demand:
    """A bounded table of counts. A report that fails is kept for the next one."""

    def __init__(self, jobs: Jobs, max_keys: int = MAX_KEYS) -> None:
        self._jobs = jobs
        self._max_keys = max_keys
        self._counts: dict[ComparisonKey, int] = {}

    def count(self, key: ComparisonKey, times: int = 1) -> None:
        """Adds `times` answers for `key`."""
        counted = self._counts.get(key, 0)
        if not counted and len(self._counts) >= self._max_keys:
            DROPPED.inc(times)
            return
        self._counts[key] = min(counted + times, MAX_COUNT)

    async def flush(self) -> None:
        """Reports all counts, 1,000 comparisons a call; stops at the first failure."""
        for _ in range(-(-len(self._counts) // MAX_KEYS_PER_CALL)):
            batch = [(key, self._counts.pop(key)) for key in list(islice(self._counts, MAX_KEYS_PER_CALL))]
            try:
                await self._jobs.report_demand(batch)
            except BaseException as error:
                for key, times in batch:
                    self.count(key, times)
                if not isinstance(error, WarmcastError):
                    raise
                log.debug("demand report failed; kept for the next one", reason=error.reason.name)
                return

    async def report_every(self, seconds: float) -> None:
        """Reports at that interval, until it is cancelled or a report raises an unexpected error."""
        while True:
            await asyncio.sleep(seconds)
            await self.flush()
            beat()
