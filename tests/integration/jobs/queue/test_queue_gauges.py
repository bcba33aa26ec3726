"""The gauges of the queue in /metrics."""

from __future__ import annotations

import math

from prometheus_client import REGISTRY

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.application.reports.queue_gauges import QueueGauges
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.queue import QueueDepth
from services.jobs.postgres.sql.upkeep import DEPTH
from tests.integration.jobs.conftest import Store, key_of


async def test_due_and_delayed_jobs_are_counted_separately(store: Store) -> None:
    assert await store.listings.depth() == QueueDepth(due=0, not_due=0, running=0, oldest_due_seconds=0)
    await store.claimed("running")
    for term in ("late", "sent back", "held back"):
        snapshot = await store.comparison(term)
        await store.queue.enqueue(key_of(snapshot), snapshot.data_hash, seen_version=0, reason=EnqueueReason.FIRST_CALL)
    for term, queued, due in (("late", 90, None), ("sent-back", 900, 30), ("held-back", 900, -60)):
        await store.execute(
            "UPDATE warmup_jobs SET queued_at = now() - make_interval(secs => %(queued)s), "
            "not_before = now() - make_interval(secs => %(due)s) WHERE strpos(slug, %(term)s) > 0",
            queued=queued,
            due=due,
            term=term,
        )
    depth = await store.listings.depth()
    assert (depth.due, depth.not_due, depth.running) == (2, 1, 1)
    # A delayed job counts from its not_before time, not from queued_at.
    assert 90 <= depth.oldest_due_seconds < 120


async def test_the_gauges_count_no_more_jobs_than_their_limit(store: Store) -> None:
    await store.queued()
    plan = [str(row["QUERY PLAN"]) for row in await store.execute(f"EXPLAIN {DEPTH}", cap=10_000)]
    assert any("warmup_jobs_queued_at_idx" in line for line in plan), plan
    assert not any("Seq Scan" in line for line in plan), plan


async def test_gauges_are_nan_while_postgresql_is_unavailable() -> None:
    answers = [QueueDepth(due=3, not_due=2, running=1, oldest_due_seconds=7.5), None, RuntimeError("a bug of ours")]

    async def read_depth() -> QueueDepth:
        answer = answers.pop(0)
        if answer is None:
            raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable")
        if isinstance(answer, Exception):
            raise answer
        return answer

    gauges = QueueGauges(read_depth)
    await gauges.refresh()
    assert [_depth(status) for status in ("due", "not_due", "running")] == [3, 2, 1]
    assert _sample("warmcast_jobs_queue_oldest_due_seconds") == 7.5
    for _ in range(2):
        await gauges.refresh()
        assert math.isnan(_depth("due"))
        assert math.isnan(_sample("warmcast_jobs_queue_oldest_due_seconds"))


def _depth(status: str) -> float:
    return _sample("warmcast_jobs_queue_depth", status=status)


def _sample(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None
    return value
