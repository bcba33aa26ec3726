"""Bulk operations: each row is changed once or skipped, whichever process runs them and however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from devstack.stores.postgres import Postgres
from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.metrics import ENQUEUED
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.coverage import CoverageFilter
from services.jobs.domain.operations import Actor, BulkAction, BulkOperation, BulkState
from services.jobs.domain.queue import JobFilter
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.operations.bulk import BulkOperations
from services.jobs.postgres.sql import bulk as sql
from tests.integration.jobs.conftest import Store, key_of
from tests.integration.jobs.operations.filling import fill
from tests.waiting import wait_until_async

ADA = Actor("Ada", "the cache was lost", "request")
FAILED = JobFilter(status=JobStatus.FAILED)
_RUN = "services.jobs.postgres.operations.bulk.run"
_JOBS = "SELECT id, status, version, reason FROM warmup_jobs ORDER BY id"


async def started(store: Store, action: BulkAction = BulkAction.REQUEUE, wanted: JobFilter = FAILED) -> BulkOperation:
    """A confirmed operation."""
    operation, _ = await Bulk(store.bulk).prepare_jobs(action, wanted, operator="Ada")
    return await Bulk(store.bulk).confirm(operation.id, ADA)


async def run_all(operations: BulkOperations) -> int:
    """Runs batches until there is none; returns their number."""
    batches = 0
    while await operations.run_batch():
        batches += 1
    return batches


async def progress(store: Store, operation: BulkOperation) -> tuple[BulkState, int, int]:
    now = await Bulk(store.bulk).get(operation.id)
    return now.state, now.done, now.skipped


async def versions(store: Store) -> dict[tuple[str, int], int]:
    """How many jobs have each status and version."""
    counted: dict[tuple[str, int], int] = {}
    for row in await store.execute(_JOBS):
        key = str(row["status"]), int(str(row["version"]))
        counted[key] = counted.get(key, 0) + 1
    return counted


async def recorded(store: Store) -> list[tuple[Any, ...]]:
    return [
        (each.operator, each.action, each.target, each.reason, each.count, each.request_id, each.operation_id)
        for each in await store.actions.actions(limit=10)
    ]


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Iterator[None]:
    """A batch fails after its changes, before its progress is stored."""

    async def crash(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> Any:
        if statement is sql.ADVANCE:
            raise error
        return await run(connection, statement, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(_RUN, crash)
        yield


async def test_a_prepared_operation_changes_nothing_and_stores_versions(store: Store) -> None:
    ids = await fill(store, 30)
    await store.execute("UPDATE warmup_jobs SET version = id + 5")
    before = await store.execute("SELECT * FROM warmup_jobs ORDER BY id")
    operation, sample = await Bulk(store.bulk).prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    assert (operation.state, operation.matched, operation.done) == (BulkState.PREPARED, 30, 0)
    assert operation.filter == {"status": "failed"}
    assert [job.id for job in sample] == ids[:20]
    assert await run_all(store.bulk) == 0
    assert await store.execute("SELECT * FROM warmup_jobs ORDER BY id") == before
    (stored,) = await store.execute("SELECT ids, versions FROM bulk_operations")
    assert stored == {"ids": ids, "versions": [job_id + 5 for job_id in ids]}
    assert await recorded(store) == []


async def test_it_changes_all_in_batches_and_counts_them(store: Store) -> None:
    await fill(store, 25)
    started_before = ENQUEUED.labels("by-hand")._value.get()
    operation = await started(store)
    target = ("Ada", "requeue", {"status": "failed"}, ADA.reason)
    assert await recorded(store) == [(*target, 0, "request", operation.id)]
    bulk = Bulk(store.bulk_of("first", batch=10))
    for done in (10, 20, 25):
        await bulk._pass()
        assert await recorded(store) == [(*target, done, "request", operation.id)]
    assert await progress(store, operation) == (BulkState.DONE, 25, 0)
    assert await versions(store) == {("queued", 2): 25}
    assert {row["reason"] for row in await store.execute(_JOBS)} == {"by-hand"}
    assert ENQUEUED.labels("by-hand")._value.get() == started_before + 25
    assert await store.execute("SELECT ids, versions, holder FROM bulk_operations") == [
        {"ids": [], "versions": [], "holder": None}
    ]


async def test_rows_that_changed_since_are_skipped_and_counted(store: Store) -> None:
    ids = await fill(store, 10)
    operation = await started(store)
    await store.queue.requeue(ids[0])
    await store.execute("UPDATE warmup_jobs SET status = 'ready', version = version + 1 WHERE id = %(id)s", id=ids[4])
    await store.execute("DELETE FROM warmup_jobs WHERE id = %(id)s", id=ids[9])
    assert await run_all(store.bulk_of("first", batch=4)) == 3
    assert await progress(store, operation) == (BulkState.DONE, 7, 3)
    assert await versions(store) == {("queued", 2): 8, ("ready", 2): 1}
    assert [row[4] for row in await recorded(store)] == [7]


async def test_cancel_ends_queued_and_running_jobs_with_their_attempts(store: Store) -> None:
    await fill(store, 6, "queued")
    claimed = (await store.queue.claim(2)).claimed
    operation = await started(store, BulkAction.CANCEL, JobFilter())
    assert operation.matched == 6
    assert await store.queue.heartbeat(claimed[0])  # renews the lease, which is no change
    await run_all(store.bulk)
    assert await progress(store, operation) == (BulkState.DONE, 6, 0)
    assert {row["status"] for row in await store.execute(_JOBS)} == {"cancelled"}
    assert not await store.queue.heartbeat(claimed[0])
    attempts = await store.execute("SELECT job_id, outcome FROM warmup_attempts ORDER BY job_id")
    assert attempts == [{"job_id": job.id, "outcome": "cancelled"} for job in claimed]


@pytest.mark.parametrize(
    ("action", "status"),
    [(BulkAction.REQUEUE, JobStatus.RUNNING), (BulkAction.CANCEL, JobStatus.READY)],
)
async def test_a_status_that_the_action_cannot_change_is_refused(
    store: Store, action: BulkAction, status: JobStatus
) -> None:
    with pytest.raises(WarmcastError, match=f"{action} changes no {status} jobs"):
        await Bulk(store.bulk).prepare_jobs(action, JobFilter(status=status), operator="Ada")


async def test_without_a_status_only_jobs_that_can_change_match(store: Store) -> None:
    await fill(store, 3, "queued")
    await store.queue.claim(1)
    for action, matched in ((BulkAction.REQUEUE, 2), (BulkAction.CANCEL, 3)):
        operation, _ = await Bulk(store.bulk).prepare_jobs(action, JobFilter(), operator="Ada")
        assert operation.matched == matched


async def test_warm_starts_episodes_of_current_snapshots(store: Store) -> None:
    without_job = await store.comparison("none")
    await store.claimed("running")
    settled = await store.queued("settled")
    changed = await store.queued("changed")
    replaced = await store.comparison("replaced")
    created = await store.comparison("created")
    await store.queue.cancel(settled.id)
    bulk = Bulk(store.bulk)
    operation, sample = await bulk.prepare_comparisons(CoverageFilter(), operator="Ada")
    assert (operation.matched, len(sample), operation.filter) == (5, 5, {})
    await bulk.confirm(operation.id, ADA)
    await store.queue.cancel(changed.id)
    await store.comparison("replaced", values=(9, 9, 9, 9))
    await store.queue.trigger(key_of(created), force=False)
    await run_all(store.bulk)
    assert await progress(store, operation) == (BulkState.DONE, 2, 3)
    assert (await store.row(settled)).status is JobStatus.QUEUED
    assert (await store.row(changed)).status is JobStatus.CANCELLED
    jobs = await store.execute("SELECT data_hash, status, reason, version FROM warmup_jobs")
    by_hash = {row["data_hash"]: (row["status"], row["reason"], row["version"]) for row in jobs}
    assert by_hash[without_job.data_hash] == by_hash[created.data_hash] == ("queued", "by-hand", 1)
    assert replaced.data_hash not in by_hash
    assert [row[1:5] for row in await recorded(store)] == [("warm", {}, ADA.reason, 2)]


async def test_an_aborted_operation_keeps_what_was_done(store: Store) -> None:
    await fill(store, 30)
    operation = await started(store)
    runner = store.bulk_of("first", batch=10)
    await runner.run_batch()
    bulk = Bulk(store.bulk)
    aborted = await bulk.abort(operation.id)
    assert (aborted.state, aborted.done) == (BulkState.ABORTED, 10)
    assert await bulk.abort(operation.id) == aborted
    assert await run_all(runner) == 0
    assert await versions(store) == {("queued", 2): 10, ("failed", 1): 20}
    assert [row[4] for row in await recorded(store)] == [10]
    with pytest.raises(WarmcastError, match="was aborted; prepare another one") as refused:
        await bulk.confirm(operation.id, ADA)
    assert refused.value.reason is errors.WRONG_STATE


async def test_an_abort_during_a_batch_waits_for_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store, 30)
    operation = await started(store)
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> Any:
        if statement is sql.ADVANCE:
            reached.set()
            await release.wait()
        return await run(connection, statement, parameters)

    monkeypatch.setattr(_RUN, hold)
    batch = asyncio.create_task(store.bulk_of("first", batch=10).run_batch())
    await reached.wait()
    abort = asyncio.create_task(Bulk(store.bulk).abort(operation.id))

    async def waits() -> bool:
        return await store.waiting() == 1

    await wait_until_async(waits, 10, "the abort waits for the batch")
    release.set()
    await batch
    aborted = await abort
    assert (aborted.state, aborted.done) == (BulkState.ABORTED, 10)


async def test_a_done_operation_cannot_be_aborted_and_is_confirmed_again_without_effect(store: Store) -> None:
    await fill(store, 3)
    operation = await started(store)
    await run_all(store.bulk)
    bulk = Bulk(store.bulk)
    with pytest.raises(WarmcastError, match="is done") as refused:
        await bulk.abort(operation.id)
    assert refused.value.reason is errors.WRONG_STATE
    assert (await bulk.confirm(operation.id, ADA)).state is BulkState.DONE
    assert await run_all(store.bulk) == 0
    assert len(await recorded(store)) == 1


async def test_an_operation_on_nothing_is_done_at_once_and_not_recorded(store: Store) -> None:
    operation = await started(store)
    assert (operation.state, operation.matched) == (BulkState.DONE, 0)
    assert await recorded(store) == []


async def test_a_prepared_operation_expires(store: Store) -> None:
    await fill(store, 3)
    bulk = Bulk(store.bulk)
    old, _ = await bulk.prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    new, _ = await bulk.prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    await store.execute("UPDATE bulk_operations SET created_at = now() - interval '1 h' WHERE id = %(id)s", id=old.id)
    for call in (bulk.get(old.id), bulk.confirm(old.id, ADA), bulk.abort(old.id)):
        with pytest.raises(WarmcastError, match="expires after an hour") as refused:
            await call
        assert refused.value.reason is errors.NOT_FOUND
    await bulk._pass()
    assert await store.execute("SELECT id FROM bulk_operations") == [{"id": new.id}]


async def test_only_the_newest_prepared_operations_are_kept(store: Store) -> None:
    bulk = Bulk(store.bulk)
    for _ in range(102):
        newest, _ = await bulk.prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    await store.execute("UPDATE bulk_operations SET state = 'aborted' WHERE id = (SELECT min(id) FROM bulk_operations)")
    assert await store.bulk.delete_expired() == 1
    kept = await store.execute("SELECT count(*) AS count, max(id) AS newest FROM bulk_operations")
    assert kept == [{"count": 101, "newest": newest.id}]


async def test_more_than_a_hundred_thousand_matches_are_refused(store: Store) -> None:
    await fill(store, 100_001)
    bulk = Bulk(store.bulk)
    for prepare in (
        bulk.prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada"),
        bulk.prepare_comparisons(CoverageFilter(), operator="Ada"),
    ):
        with pytest.raises(WarmcastError, match="more than 100,000") as refused:
            await prepare
        assert refused.value.reason is errors.TOO_LARGE
    await store.execute("DELETE FROM warmup_jobs WHERE id = (SELECT min(id) FROM warmup_jobs)")
    operation, sample = await bulk.prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    assert (operation.matched, len(sample)) == (100_000, 20)


async def test_a_killed_replica_loses_and_repeats_nothing(store: Store) -> None:
    await fill(store, 50)
    operation = await started(store)
    killed, other = (store.bulk_of(name, batch=10, lease=60) for name in ("killed", "other"))
    await killed.run_batch()
    await killed.run_batch()
    assert await other.run_batch() is None, "the lease of the first one still holds"
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    assert await other.run_batch() is not None
    assert await run_all(other) == 2
    assert await killed.run_batch() is None
    assert await progress(store, operation) == (BulkState.DONE, 50, 0)
    assert await versions(store) == {("queued", 2): 50}
    assert [row[4] for row in await recorded(store)] == [50]


@pytest.mark.parametrize("crash", [asyncio.CancelledError(), RuntimeError("crashed")])
async def test_a_crash_within_a_batch_rolls_it_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, crash: BaseException
) -> None:
    await fill(store, 25)
    operation = await started(store)
    crashed = store.bulk_of("crashed", batch=10)
    await crashed.run_batch()
    with failing(monkeypatch, crash), pytest.raises(type(crash)):
        await crashed.run_batch()
    assert await progress(store, operation) == (BulkState.RUNNING, 10, 0)
    assert await versions(store) == {("queued", 2): 10, ("failed", 1): 15}
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    await run_all(store.bulk_of("other", batch=10))
    assert await progress(store, operation) == (BulkState.DONE, 25, 0)
    assert await versions(store) == {("queued", 2): 25}


async def test_two_replicas_run_two_operations_and_never_one_together(store: Store) -> None:
    await fill(store, 60)
    failed = await started(store, BulkAction.REQUEUE, JobFilter(status=JobStatus.FAILED, slug="a-vs-term1"))
    others = await started(store)
    replicas = [store.bulk_of(name, batch=5) for name in ("one", "two")]
    held = [batch.operation.id for batch in await asyncio.gather(*(each.run_batch() for each in replicas)) if batch]
    assert sorted(held) == [failed.id, others.id]
    await asyncio.gather(*(run_all(each) for each in replicas))
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    await run_all(replicas[0])
    assert await progress(store, failed) == (BulkState.DONE, 1, 0)
    assert await progress(store, others) == (BulkState.DONE, 59, 1)
    assert await versions(store) == {("queued", 2): 60}


async def test_the_loops_of_two_replicas_finish_what_one_confirms(store: Store) -> None:
    await fill(store, 60)
    loops = [Bulk(store.bulk_of(name, batch=5, lease=1), poll=0.05) for name in ("one", "two")]
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    operation, _ = await loops[0].prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    await loops[0].confirm(operation.id, ADA)

    async def begun() -> bool:
        return (await progress(store, operation))[1] > 0

    async def done() -> bool:
        return (await progress(store, operation))[0] is BulkState.DONE

    await wait_until_async(begun, 10, "a batch is done")
    tasks[0].cancel()  # whether it runs the operation or not
    await wait_until_async(done, 20, "the operation is done")
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await progress(store, operation) == (BulkState.DONE, 60, 0)
    assert await versions(store) == {("queued", 2): 60}


@pytest.mark.parametrize("seed", range(3))
async def test_jobs_change_and_replicas_die_at_any_moment(store: Store, seed: int) -> None:
    """Every job is changed once, by the operation or by another; the operation counts each exactly once."""
    chance = random.Random(seed)
    ids = await fill(store, 200)
    operation = await started(store)
    replicas = [store.bulk_of(f"replica {number}", batch=7, lease=0.05) for number in range(3)]

    async def change_others() -> None:
        change = "UPDATE warmup_jobs SET status = 'ready', version = version + 1 WHERE id = %(id)s AND version = 1"
        for job_id in chance.sample(ids, 100):
            await store.execute(change, id=job_id)

    async def run_and_die(replica: BulkOperations) -> None:
        while (await progress(store, operation))[0] is not BulkState.DONE:
            lives = chance.choice((None, chance.uniform(0.001, 0.05)))  # seconds; None: to the end of the batch
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lives):
                    await replica.run_batch()

    await asyncio.wait_for(asyncio.gather(change_others(), *map(run_and_die, replicas)), 60)
    after = await versions(store)
    queued, others = after[("queued", 2)], after.get(("ready", 2), 0)
    assert queued + others == len(ids), "no job was changed twice, and none was lost"
    _, done, skipped = await progress(store, operation)
    assert (done, skipped) == (queued, others)
    assert [row[4] for row in await recorded(store)] == [queued]


async def test_postgres_may_go_away_during_an_operation(store: Store, postgres: Postgres) -> None:
    await fill(store, 200)
    operation = await started(store)
    loop = Bulk(store.bulk_of("first", batch=5, lease=1), poll=0.05)
    task = asyncio.create_task(loop.run())

    async def begun() -> bool:
        return (await progress(store, operation))[1] > 0

    async def done() -> bool:
        try:
            return (await progress(store, operation))[0] is BulkState.DONE
        except WarmcastError:
            return False

    await wait_until_async(begun, 10, "a batch is done")
    postgres.restart()
    await wait_until_async(done, 30, "the operation is done")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await progress(store, operation) == (BulkState.DONE, 200, 0)
    assert await versions(store) == {("queued", 2): 200}
    assert [row[4] for row in await recorded(store)] == [200]


async def test_changes_are_published(store: Store) -> None:
    ids = await fill(store, 3)
    await store.publisher.flush()
    await started(store)
    await run_all(store.bulk)
    assert list(store.publisher._changed) == ids
