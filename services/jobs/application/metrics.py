"""Counters of started episodes."""

from __future__ import annotations

from prometheus_client import Counter

from services.common.telemetry.counters import count_from_zero
from services.jobs.domain.job import EnqueueReason

ENQUEUED = count_from_zero(
    Counter("warmcast_jobs_enqueued_total", "Episodes started, by reason", ["reason"]), EnqueueReason
)
READY_WITHOUT_CACHE = Counter("warmcast_jobs_ready_without_cache_total", "Ready jobs whose bundles were missing")


def count_enqueued(reason: EnqueueReason, times: int = 1) -> None:
    """Counts started episodes. One for lost bundles also counts a job that was ready without them."""
    ENQUEUED.labels(reason.value).inc(times)
    if reason is EnqueueReason.CACHE_LOST:
        READY_WITHOUT_CACHE.inc(times)
