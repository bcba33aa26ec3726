"""Enqueues on real PostgreSQL: first call, lost cache, refresh, and by hand."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.common.job_status import JobStatus
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.reports.history import Failure
from tests.integration.jobs.conftest import Store, key_of

FIRST_CALL = EnqueueReason.FIRST_CALL


async def test_many_concurrent_enqueues_create_one_row(store: Store) -> None:
    snapshot = await store.comparison()
    calls = [
        store.queue.enqueue(key_of(snapshot), snapshot.data_hash, seen_version=0, reason=FIRST_CALL) for _ in range(200)
    ]
    changed = [job for job in await asyncio.gather(*calls) if job is not None]
    assert len(changed) == 1
    assert changed[0].status is JobStatus.QUEUED
    rows = await store.execute("SELECT count(*) AS rows, max(version) AS version FROM warmup_jobs")
    assert rows == [{"rows": 1, "version": 1}]


async def test_enqueue_of_a_replaced_snapshot_creates_no_row(store: Store) -> None:
    old = await store.comparison(values=(1, 2, 3))
    await store.comparison(values=(1, 2, 3, 4))
    assert await store.queue.enqueue(key_of(old), old.data_hash, seen_version=0, reason=FIRST_CALL) is None
    assert await store.execute("SELECT id FROM warmup_jobs") == []


async def test_a_delayed_enqueue_after_ready_changes_nothing(store: Store) -> None:
    job = await store.claimed()
    ready = await store.ready(job)
    assert ready is not None
    for seen in range(ready.version):
        late = await store.queue.enqueue(job.key, job.data_hash, seen_version=seen, reason=EnqueueReason.CACHE_LOST)
        assert late is None
    assert await store.row(job) == ready


async def test_only_a_first_call_after_the_cool_down_starts_an_episode(store: Store) -> None:
    failed = await store.queue.fail(await store.claimed(), Failure("test", "bad series"), permanent=True)
    assert failed is not None
    again = {"seen_version": failed.version, "reason": FIRST_CALL}
    assert await store.queue.enqueue(failed.key, failed.data_hash, **again) is None  # type: ignore[arg-type]
    await store.execute("UPDATE warmup_jobs SET cooldown_until = now() - interval '1 s'")
    queued = await store.queue.enqueue(failed.key, failed.data_hash, **again)  # type: ignore[arg-type]
    assert queued is not None
    assert (queued.status, queued.attempts, queued.last_error) == (JobStatus.QUEUED, 0, None)
    assert queued.queued_at > failed.queued_at
    assert queued.created_at == failed.created_at
    assert queued.debug_id != failed.debug_id


async def test_a_lost_cache_queues_a_ready_job_once_by_compare_and_set(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    calls = [
        store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.CACHE_LOST)
        for _ in range(50)
    ]
    changed = [job for job in await asyncio.gather(*calls) if job is not None]
    assert len(changed) == 1
    assert (changed[0].status, changed[0].reason) == (JobStatus.QUEUED, "cache-lost")
    assert changed[0].adopt_above_lease >= ready.lease_id


async def test_a_loss_reported_within_a_minute_of_ready_is_delayed_until_the_minute_is_over(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    for reason in (EnqueueReason.CACHE_LOST, EnqueueReason.REFRESH):
        assert ready is not None
        assert ready.completed_at is not None
        begun = await store.queue.enqueue_and_place(
            ready.key, ready.data_hash, seen_version=ready.version, reason=reason
        )
        assert begun is not None
        job, place = begun
        assert (job.status, job.not_before) == (JobStatus.QUEUED, ready.completed_at + timedelta(minutes=1))
        assert place is not None
        assert 0 < place.wait_seconds <= 60
        assert (await store.queue.claim(1)).claimed == ()
        await store.execute("UPDATE warmup_jobs SET not_before = now()")
        ready = await store.ready(await store.claim_one())


async def test_a_loss_reported_later_than_a_minute_after_ready_is_enqueued_without_delay(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    await store.execute("UPDATE warmup_jobs SET completed_at = now() - interval '61 s'")
    begun = await store.queue.enqueue_and_place(
        ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.CACHE_LOST
    )
    assert begun is not None
    assert begun[0].not_before is None
    assert (await store.claim_one()).id == ready.id


async def test_a_first_call_does_not_take_a_ready_job_back(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    again = await store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=FIRST_CALL)
    assert again is None


async def test_refreshes_are_claimed_after_jobs_that_callers_wait_for(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    await store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.REFRESH)
    waiting = await store.queued("walmart")
    assert [job.id for job in (await store.queue.claim(2)).claimed] == [waiting.id, ready.id]


async def test_trigger_ignores_the_cool_down_and_requeues_a_running_job_only_with_force(store: Store) -> None:
    failed = await store.queue.fail(await store.claimed(), Failure("test", "bad"), permanent=True)
    assert failed is not None
    queued = await store.queue.trigger(failed.key, force=False)
    assert queued is not None
    assert (queued.status, queued.reason) == (JobStatus.QUEUED, "by-hand")
    running = await store.claim_one()
    assert await store.queue.trigger(failed.key, force=False) is None
    forced = await store.queue.trigger(failed.key, force=True)
    assert forced is not None
    assert (forced.status, forced.force) == (JobStatus.QUEUED, True)
    assert await store.ready(running) is None


async def test_trigger_of_a_queued_job_keeps_its_place(store: Store) -> None:
    job = await store.queued()
    hastened = await store.queue.trigger(job.key, force=False)
    assert hastened is not None
    assert hastened.queued_at == job.queued_at


async def test_requeue_starts_an_episode_unless_the_job_is_running(store: Store) -> None:
    job = await store.claimed()
    assert await store.queue.requeue(job.id) == []
    assert await store.ready(job)
    (again,) = await store.queue.requeue(job.id)
    assert (again.status, again.attempts, again.lease_id) == (JobStatus.QUEUED, 0, job.lease_id)
    assert again.adopt_above_lease >= job.lease_id
