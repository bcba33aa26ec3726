"""Refreshes: enqueues forecasts before they turn stale, limited to what the forecaster can run in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from prometheus_client import Counter

from services.jobs.application.metrics import count_enqueued
from services.jobs.domain.forecaster import ForecasterInfo
from services.jobs.domain.job import EnqueueReason, QueuePolicy, WarmupJob

log = structlog.get_logger()

LIMITED = Counter("warmcast_jobs_refreshes_limited_total", "Refreshes that left forecasts due because of their limit")
MAX_QUEUED = 10_000  # jobs that one call enqueues in one transaction; counting of due forecasts stops here too
_UNMEASURED = 100  # limit while the forecaster is unavailable or no run was measured


@dataclass(frozen=True)
class Limit:
    """How many refreshes may be queued, and the measurements behind it; 0 if the limit was given or not measured."""

    max_queued: int
    worker_slots: int = 0
    mean_run_seconds: float = 0.0


@dataclass(frozen=True)
class Refreshed:
    """The result of one refresh."""

    jobs: list[WarmupJob]
    limit: Limit
    left_due: int


class RefreshQueue(Protocol):
    """What a refresh needs of postgres.queue.Queue."""

    async def refresh(self, limit: int) -> list[WarmupJob]: ...

    async def count_due(self, cap: int) -> int: ...

    async def mean_run_seconds(self) -> float | None: ...


class Refresher:
    """Safe to run concurrently: queued refreshes count towards the limit."""

    def __init__(self, queue: RefreshQueue, describe: Callable[[], Awaitable[ForecasterInfo | None]]) -> None:
        """`describe` returns None while the forecaster is unavailable."""
        self._queue = queue
        self._describe = describe

    async def refresh(self, max_queued: int | None) -> Refreshed:
        """Enqueues due forecasts in order of demand until `max_queued` are queued; None: as many as can run in time."""
        limit = await self._derived_limit() if max_queued is None else Limit(max_queued)
        jobs = await self._queue.refresh(limit.max_queued)
        count_enqueued(EnqueueReason.REFRESH, len(jobs))
        left_due = await self._queue.count_due(MAX_QUEUED)
        if left_due:
            LIMITED.inc()
            log.warning(
                "more forecasts are due than may be queued for a refresh", left_due=left_due, limit=limit.max_queued
            )
        return Refreshed(jobs, limit, left_due)

    async def _derived_limit(self) -> Limit:
        info = await self._describe()
        seconds = await self._queue.mean_run_seconds()
        if info is None or not info.worker_slots or not seconds:
            return Limit(_UNMEASURED)
        # A refresh that waits longer than this is promoted, and then delays jobs that callers wait for.
        runs = int(info.worker_slots * QueuePolicy.promote_after / seconds)
        return Limit(min(max(runs, 1), MAX_QUEUED), info.worker_slots, seconds)
