"""The queue as /metrics shows it: one bounded look every few seconds, however often it is scraped."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Gauge

from services.common.errors import WarmcastError
from services.common.runtime.background import beat, report_failure
from services.jobs.domain.queue import QueueDepth

log = structlog.get_logger()

DEPTH = Gauge(
    "warmcast_jobs_queue_depth",
    "Jobs that are due, not due yet, and running, counted up to 10,000; every replica tells the same",
    ["status"],
)
OLDEST_DUE = Gauge("warmcast_jobs_queue_oldest_due_seconds", "How long the oldest due job has waited; 0: none is due")
_EVERY = 10.0  # seconds; below the 15 s at which components/monitoring scrapes


class QueueGauges:
    """Keeps the gauges of one process true."""

    def __init__(self, look: Callable[[], Awaitable[QueueDepth]], *, every: float = _EVERY) -> None:
        self._look = look
        self._every = every

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.refresh()
            beat()
            await asyncio.sleep(self._every)

    async def refresh(self) -> None:
        """Looks once. While nobody can be asked the gauges are NaN: what they last said would pass for today's."""
        try:
            _show(await self._look())
        except WarmcastError as error:
            log.warning("the queue's depth could not be read", reason=error.reason.name)
            _show(None)
        except Exception:
            report_failure()
            _show(None)


def _show(depth: QueueDepth | None) -> None:
    for status in ("due", "not_due", "running"):
        DEPTH.labels(status).set(getattr(depth, status) if depth else math.nan)
    OLDEST_DUE.set(depth.oldest_due_seconds if depth else math.nan)
