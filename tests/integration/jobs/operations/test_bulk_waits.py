"""Jobs of bulk operations run after first calls, and are enqueued only while few jobs wait."""

from __future__ import annotations

import asyncio

import pytest

from services.common.job_status import JobStatus
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.job import BULK_PRIORITY
from services.jobs.domain.operations import BulkAction, BulkOperation, BulkState
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter
from tests.integration.jobs.conftest import FakeForecaster, Store, key_of, succeed
from tests.integration.jobs.operations.confirmed import ADA, progress, recorded, run_all, started
from tests.integration.jobs.operations.filling import fill
from tests.integration.jobs.running import dispatching
from tests.waiting import wait_until_async

PRIORITIES = "SELECT id, priority FROM warmup_jobs WHERE status = 'queued' ORDER BY id"


async def priorities(store: Store) -> dict[int, int]:
    """The priority of each queued job."""
    return {int(str(row["id"])): int(str(row["priority"])) for row in await store.execute(PRIORITIES)}


async def warming(store: Store) -> BulkOperation:
    """A confirmed operation that warms all comparisons."""
    operation, _ = await Bulk(store.bulk).prepare_comparisons(CoverageFilter(), operator="Ada")
    return await Bulk(store.bulk).confirm(operation.id, ADA)


async def test_a_first_call_is_claimed_before_the_jobs_of_an_operation(store: Store) -> None:
    await fill(store, 20)
    await started(store)
    await run_all(store.bulk)
    first_call = await store.queued()
    assert (await store.claim_one()).id == first_call.id


async def test_jobs_of_an_operation_are_claimed_before_refreshes_until_these_are_promoted(store: Store) -> None:
    refresh, *ids = await fill(store, 3)
    queued = "status = 'queued', priority = 10, queued_at = now() - interval '9 min'"
    await store.execute(f"UPDATE warmup_jobs SET {queued} WHERE id = %(id)s", id=refresh)
    await started(store)
    await run_all(store.bulk)
    assert (await store.claim_one()).id in ids
    assert await store.queue.promote() == 0
    await store.execute("UPDATE warmup_jobs SET queued_at = queued_at - interval '2 min' WHERE id = %(id)s", id=refresh)
    assert await store.queue.promote() == 1
    assert (await store.claim_one()).id == refresh


@pytest.mark.parametrize("with_jobs", [True, False])
async def test_a_warmed_comparison_has_the_priority_of_operations(store: Store, with_jobs: bool) -> None:
    await fill(store, 2)
    if not with_jobs:
        await store.execute("DELETE FROM warmup_jobs")
    await warming(store)
    await run_all(store.bulk)
    assert list((await priorities(store)).values()) == [BULK_PRIORITY] * 2


async def test_a_queued_job_keeps_a_better_priority_and_gets_a_better_one(store: Store) -> None:
    first_call, refresh = await fill(store, 2, "queued")
    await store.execute("UPDATE warmup_jobs SET priority = 10 WHERE id = %(id)s", id=refresh)
    operation = await started(store, BulkAction.REQUEUE, JobFilter())
    await run_all(store.bulk)
    assert await progress(store, operation) == (BulkState.DONE, 2, 0)
    assert await priorities(store) == {first_call: 0, refresh: BULK_PRIORITY}


async def test_an_operator_raises_one_job_of_an_operation(store: Store) -> None:
    await fill(store, 2)
    snapshot = await store.comparison()
    await started(store)
    await warming(store)
    await run_all(store.bulk)
    requeued, other, triggered = await priorities(store)
    await store.queue.requeue(requeued)
    await store.queue.trigger(key_of(snapshot), force=False)
    assert await priorities(store) == {requeued: 0, other: BULK_PRIORITY, triggered: 0}


async def test_an_overdue_job_of_an_operation_runs_after_first_calls_until_it_is_promoted(store: Store) -> None:
    (job_id,) = await fill(store, 1)
    await started(store)
    await run_all(store.bulk)
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '9 min'")
    assert len(await store.queue.sweep()) == 1
    assert await priorities(store) == {job_id: BULK_PRIORITY}
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '11 min'")
    assert len(await store.queue.sweep()) == 1
    assert await priorities(store) == {job_id: 0}


async def test_a_caller_who_finds_an_overdue_job_of_an_operation_promotes_it(store: Store) -> None:
    (job_id,) = await fill(store, 1)
    await started(store)
    await run_all(store.bulk)
    old = "now() - interval '6 min'"
    await store.execute(f"UPDATE warmup_jobs SET queued_at = {old}, updated_at = {old}")
    assert len(await store.queue.sweep(job_id)) == 1
    assert await priorities(store) == {job_id: 0}


@pytest.mark.parametrize("action", [BulkAction.REQUEUE, BulkAction.WARM])
async def test_an_operation_waits_at_the_bound_and_goes_on_when_jobs_have_run(store: Store, action: BulkAction) -> None:
    await fill(store, 30)
    operation = await (started(store) if action is BulkAction.REQUEUE else warming(store))
    first = store.bulk_of("first", batch=5, max_waiting=10)
    assert await run_all(first) == 2
    assert await progress(store, operation) == (BulkState.RUNNING, 10, 0)
    assert [row[4] for row in await recorded(store)] == [10]
    await store.queue.claim(1)
    batch = await first.run_batch()
    assert batch is not None
    assert (batch.changed, batch.operation.done) == (1, 11), "9 waited"
    assert await run_all(first) == 0
    bulk = Bulk(first, poll=0.05, wait=0.05)
    task = asyncio.create_task(bulk.run())

    async def done() -> bool:
        return (await progress(store, operation))[0] is BulkState.DONE

    async with dispatching(store, FakeForecaster(succeed, slots=8), poll=0.05, listen=False):
        await wait_until_async(done, 30, "the operation is done")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await progress(store, operation) == (BulkState.DONE, 30, 0)


async def test_promoted_jobs_count_and_refreshes_do_not(store: Store) -> None:
    ids = await fill(store, 30)
    await store.execute(
        "UPDATE warmup_jobs SET status = 'queued', priority = 10 WHERE id = ANY (%(ids)s)", ids=ids[:10]
    )
    operation = await started(store)
    first = store.bulk_of("first", batch=5, max_waiting=10)
    assert await run_all(first) == 2
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '11 min' WHERE priority = 5")
    assert await store.queue.promote() == 10
    assert await run_all(first) == 0
    assert await progress(store, operation) == (BulkState.RUNNING, 10, 0)


async def test_an_operation_that_waits_keeps_its_lease_and_can_be_aborted(store: Store) -> None:
    await fill(store, 30)
    operation = await started(store)
    first, other = (store.bulk_of(name, batch=5, lease=60, max_waiting=10) for name in ("first", "other"))
    await run_all(first)
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now() + interval '1 s'")
    waiting = await first.run_batch()
    assert waiting is not None
    assert (waiting.waits, waiting.changed, waiting.operation.done) == (True, 0, 10)
    left = "SELECT holder FROM bulk_operations WHERE lease_expires_at > now() + interval '50 s'"
    assert await store.execute(left) == [{"holder": "first"}]
    assert await other.run_batch() is None
    aborted = await Bulk(store.bulk).abort(operation.id, ADA)
    assert (aborted.state, aborted.done) == (BulkState.ABORTED, 10)
    assert await first.run_batch() is None


async def test_another_replica_takes_over_an_operation_that_waits(store: Store) -> None:
    await fill(store, 30)
    operation = await started(store)
    killed, other = (store.bulk_of(name, batch=5, max_waiting=10) for name in ("killed", "other"))
    await run_all(killed)
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    taken = await other.run_batch()
    assert taken is not None
    assert (taken.operation.id, taken.waits) == (operation.id, True)
    assert await killed.run_batch() is None


async def test_a_cancel_does_not_wait_and_overtakes_an_operation_that_does(store: Store) -> None:
    await fill(store, 30)
    requeue = await started(store)
    first = store.bulk_of("first", batch=5, max_waiting=10)
    await run_all(first)
    cancel = await started(store, BulkAction.CANCEL, JobFilter(status=JobStatus.QUEUED))
    batch = await first.run_batch()
    assert batch is not None
    assert (batch.operation.id, batch.changed) == (cancel.id, 5)
    await run_all(first)
    assert (await progress(store, cancel))[0] is BulkState.DONE
    assert (await progress(store, requeue))[1] > 10


async def test_the_requeue_of_queued_jobs_adds_none_and_does_not_wait(store: Store) -> None:
    await fill(store, 30, "queued")
    operation = await started(store, BulkAction.REQUEUE, JobFilter(status=JobStatus.QUEUED))
    await run_all(store.bulk_of("first", batch=5, max_waiting=10))
    assert await progress(store, operation) == (BulkState.DONE, 30, 0)
