"""An operation keeps as many jobs waiting as the forecasters run before one is promoted; callers promote their own."""

from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.jobs.domain.job import BULK_PRIORITY, EnqueueReason
from services.jobs.domain.operations import BulkState
from services.jobs.postgres.operations.bulk import BulkOperations
from tests.integration.jobs.conftest import Store, key_of
from tests.integration.jobs.operations.confirmed import progress, run_all, started
from tests.integration.jobs.operations.filling import fill
from tests.integration.jobs.service import serving

MEASURED = """
UPDATE warmup_jobs SET status = 'ready', completed_at = now(), started_at = now() - make_interval(secs => %(seconds)s)
WHERE id = ANY (%(ids)s)
"""
PROMOTABLE = f"UPDATE warmup_jobs SET queued_at = now() - interval '11 min' WHERE priority = {BULK_PRIORITY}"


async def fill_and_measure(store: Store, count: int, *, run_seconds: float) -> None:
    """Creates `count` failed jobs, and 20 runs that lasted `run_seconds`."""
    ids = await fill(store, count + 20)
    await store.execute(MEASURED, ids=ids[:20], seconds=run_seconds)


def bounded(store: Store, slots: int, **more: Any) -> BulkOperations:
    return store.bulk_of("first", slots=lambda: slots, unmeasured=7, **more)


@pytest.mark.parametrize(
    ("slots", "run_seconds", "enqueued"),
    [
        (1, 60, 10),  # 600 s / 60 s
        (2, 60, 20),
        (2, 45, 26),
        (4, 0.5, 40),  # all: 4,800 would run in time
        (1, 3600, 1),
        (0, 60, 7),  # no forecaster
    ],
)
async def test_jobs_wait_up_to_what_the_forecasters_run_in_ten_minutes(
    store: Store, slots: int, run_seconds: float, enqueued: int
) -> None:
    await fill_and_measure(store, 40, run_seconds=run_seconds)
    operation = await started(store)
    operations = bounded(store, slots)
    await run_all(operations)
    state, done, skipped = await progress(store, operation)
    assert (done, skipped) == (enqueued, 0)
    assert (state is BulkState.DONE) == (enqueued == 40)


async def test_the_fixed_bound_holds_for_fast_forecasters(store: Store) -> None:
    await fill_and_measure(store, 40, run_seconds=0.1)
    operation = await started(store)
    await run_all(bounded(store, 8, max_waiting=25))
    assert await progress(store, operation) == (BulkState.RUNNING, 25, 0)


async def test_without_a_measured_run_few_wait(store: Store) -> None:
    await fill(store, 40)
    operation = await started(store)
    await run_all(bounded(store, 8))
    assert await progress(store, operation) == (BulkState.RUNNING, 7, 0)


async def test_a_batch_is_as_large_as_the_room(store: Store) -> None:
    await fill_and_measure(store, 40, run_seconds=60)
    operation = await started(store)
    operations = bounded(store, 1, batch=8)
    assert await run_all(operations) == 2
    await store.queue.claim(3)
    batch = await operations.run_batch()
    assert batch is not None
    assert (batch.changed, batch.operation.done) == (3, 13)
    assert await progress(store, operation) == (BulkState.RUNNING, 13, 0)


async def test_a_first_call_stands_at_most_ten_minutes_behind_promoted_jobs(store: Store) -> None:
    await fill_and_measure(store, 200, run_seconds=60)
    await started(store)
    operations = bounded(store, 1)
    async with serving(store) as jobs:
        jobs.forecaster.slots = 1
        await run_all(operations)
        await store.execute(PROMOTABLE)
        assert await store.queue.promote() == 10
        await run_all(operations)
        await jobs.ingest()
        answer = await jobs.enqueue(await jobs.warmup())
    assert answer.enqueued
    assert answer.queue_position == 11, "behind 10 runs of a minute"


async def test_a_call_promotes_the_deferred_job_of_its_comparison_at_once(store: Store) -> None:
    async with serving(store) as jobs:
        await jobs.ingest()
        await jobs.enqueue(await jobs.warmup())
        await store.execute(f"UPDATE warmup_jobs SET priority = {BULK_PRIORITY}")
        await store.queued("later")
        seen = await jobs.warmup()
        assert (seen.deferred, seen.overdue, seen.queue_position) == (True, False, 2)

        refresh = await jobs.enqueue(seen, pb.ENQUEUE_REASON_REFRESH)
        assert refresh.job.priority == BULK_PRIORITY, "it has forecasts to serve meanwhile"

        promoted = await jobs.enqueue(seen)
        assert (promoted.enqueued, promoted.job.priority, promoted.queue_position) == (False, 0, 1)
        assert promoted.job.queued_at == seen.job.queued_at
        assert not (await jobs.warmup()).deferred
        assert (await store.claim_one()).id == promoted.job.id

        again = await jobs.enqueue(seen)
        assert (again.enqueued, again.job.status) == (False, pb.JOB_STATUS_RUNNING)


async def test_the_queue_promotes_one_job_once(store: Store) -> None:
    job = await store.queued()
    assert await store.queue.promote_one(job.id) is None, "it has the priority of first calls"
    await store.execute("UPDATE warmup_jobs SET priority = 10")
    promoted = await store.queue.promote_one(job.id)
    assert promoted is not None
    assert (promoted[0].priority, promoted[0].version, promoted[0].queued_at) == (0, job.version + 1, job.queued_at)
    assert promoted[1] is not None
    assert promoted[1].position == 1
    await store.claim_one()
    await store.execute("UPDATE warmup_jobs SET priority = 10")
    assert await store.queue.promote_one(job.id) is None, "it is running"


async def test_an_enqueue_does_not_promote(store: Store) -> None:
    """The statement of premium calls stays one upsert that leaves queued jobs as they are."""
    snapshot = await store.comparison()
    job = await store.queued()
    await store.execute(f"UPDATE warmup_jobs SET priority = {BULK_PRIORITY}")
    unchanged = await store.queue.enqueue_and_place(
        key_of(snapshot), snapshot.data_hash, seen_version=job.version, reason=EnqueueReason.FIRST_CALL
    )
    assert unchanged is None
    assert (await store.row(job)).priority == BULK_PRIORITY
