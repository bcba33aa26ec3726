"""Gauges of the queue, read every 10 s regardless of the scrape interval."""

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
    "Jobs that are due, not due yet, and running, up to 10,000; the same on every replica",
    ["status"],
)
OLDEST_DUE = Gauge("warmcast_jobs_queue_oldest_due_seconds", "How long the oldest due job has waited; 0: none is due")
_EVERY = 10.0  # seconds; below the 15 s at which components/monitoring scrapes


class QueueGauges:
    """Refreshes the gauges of one process."""

    def __init__(self, read: Callable[[], Awaitable[QueueDepth]], *, every: float = _EVERY) -> None:
        self._read = read
        self._every = every

    async def run(self) -> None:
        """Refreshes until cancelled."""
        while True:
            await self.refresh()
            beat()
            await asyncio.sleep(self._every)

    async def refresh(self) -> None:
        """Reads once. While PostgreSQL is unavailable the gauges are NaN, because old values would seem current."""
        try:
            _set(await self._read())
        except WarmcastError as error:
            log.warning("could not read the depth of the queue", reason=error.reason.name)
            _set(None)
        except Exception:
            report_failure()
            _set(None)


def _set(depth: QueueDepth | None) -> None:
    for status in ("due", "not_due", "running"):
        DEPTH.labels(status).set(getattr(depth, status) if depth else math.nan)
    OLDEST_DUE.set(depth.oldest_due_seconds if depth else math.nan)
