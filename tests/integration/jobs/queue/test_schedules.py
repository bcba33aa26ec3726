"""The RPCs of the CronJobs are safe when repeated and concurrent; and the queries of KEDA."""

from __future__ import annotations

import asyncio

import pytest

from services.jobs.domain.job import EnqueueReason
from tests.integration.jobs.conftest import Store, forecasts, key_of
from tests.unit.deploy.manifests import of_kind, with_components

AT_ONCE = 6


async def test_concurrent_refreshes_share_the_limit(store: Store) -> None:
    for number in range(20):
        await store.queue.ready(await store.claimed(f"term {number}"), forecasts())
    await store.execute("UPDATE comparisons SET last_requested_at = now()")
    for _ in range(5):
        await store.execute("UPDATE warmup_jobs SET status = 'ready', completed_at = now() - interval '23 h'")
        await asyncio.gather(*(store.queue.refresh(3) for _ in range(AT_ONCE)))
        (waiting,) = await store.execute("SELECT count(*) AS count FROM warmup_jobs WHERE status = 'queued'")
        assert waiting["count"] == 3


async def test_concurrent_sweeps_requeue_a_stuck_job_once(store: Store) -> None:
    job = await store.claimed()
    await store.execute("UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s'")
    swept = await asyncio.gather(*(store.queue.sweep() for _ in range(AT_ONCE)))
    assert [each.job.id for found in swept for each in found] == [job.id]


async def test_concurrent_retention_deletes_each_row_once_and_keeps_needed_rows(store: Store) -> None:
    for generation in range(30):
        snapshot = await store.comparison(values=(1, 2, 3, generation))
        await store.queue.enqueue(key_of(snapshot), snapshot.data_hash, seen_version=0, reason=EnqueueReason.FIRST_CALL)
        assert await store.queue.ready(await store.claim_one(), forecasts())
    await store.execute("UPDATE warmup_jobs SET updated_at = now() - interval '31 days'")
    await store.execute("UPDATE snapshots SET created_at = now() - interval '31 days'")

    async def until_nothing_is_left() -> int:
        total = 0
        while deleted := await store.queue.delete_old(days=30, limit=5):
            total += deleted
        return total

    assert sum(await asyncio.gather(*(until_nothing_is_left() for _ in range(AT_ONCE)))) == 2 * 28
    for table in ("warmup_jobs", "snapshots"):
        assert len(await store.execute(f"SELECT id FROM {table}")) == 2


@pytest.mark.parametrize("waiting", [0, 3])
async def test_the_queries_for_keda_return_the_depth_and_age_of_the_queue(store: Store, waiting: int) -> None:
    for number in range(waiting):
        await store.queued(f"term {number}")
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '60 s'")
    triggers = of_kind(with_components("prod", "keda"), "ScaledObject")["forecaster"]["spec"]["triggers"]
    depth, age = [
        float(str(next(iter((await store.execute(trigger["metadata"]["query"]))[0].values())))) for trigger in triggers
    ]
    assert depth == waiting
    assert age == pytest.approx(60 if waiting else 0, abs=20)
