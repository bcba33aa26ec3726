"""Bulk operations: what is prepared, changed, skipped, recorded and aborted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.metrics import ENQUEUED
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import Actor, BulkAction, BulkState
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter
from tests.integration.jobs.conftest import Store, key_of
from tests.integration.jobs.operations.confirmed import (
    ADA,
    FAILED,
    JOBS,
    progress,
    recorded,
    run_all,
    started,
    versions,
)
from tests.integration.jobs.operations.filling import fill

BOB = Actor("Bob", request_id="another request")


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
    assert {row["reason"] for row in await store.execute(JOBS)} == {"by-hand"}
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
    assert {row["status"] for row in await store.execute(JOBS)} == {"cancelled"}
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
    aborted = await bulk.abort(operation.id, BOB)
    assert (aborted.state, aborted.done) == (BulkState.ABORTED, 10)
    assert await bulk.abort(operation.id, ADA) == aborted
    assert await run_all(runner) == 0
    assert await versions(store) == {("queued", 2): 10, ("failed", 1): 20}
    assert await recorded(store) == [
        ("Bob", "abort", {"operationId": operation.id}, "", 0, "another request", operation.id),
        ("Ada", "requeue", {"status": "failed"}, ADA.reason, 10, ADA.request_id, operation.id),
    ]
    with pytest.raises(WarmcastError, match="was aborted; prepare another one") as refused:
        await bulk.confirm(operation.id, ADA)
    assert refused.value.reason is errors.WRONG_STATE


async def test_a_done_operation_cannot_be_aborted_and_is_confirmed_again_without_effect(store: Store) -> None:
    await fill(store, 3)
    operation = await started(store)
    await run_all(store.bulk)
    bulk = Bulk(store.bulk)
    with pytest.raises(WarmcastError, match="is done") as refused:
        await bulk.abort(operation.id, BOB)
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
    for call in (bulk.get(old.id), bulk.confirm(old.id, ADA), bulk.abort(old.id, ADA)):
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


async def test_changes_are_published(store: Store) -> None:
    ids = await fill(store, 3)
    await store.publisher.flush()
    await started(store)
    await run_all(store.bulk)
    assert list(store.publisher._changed) == ids


@pytest.mark.parametrize(
    ("wanted", "matched", "described"),
    [
        (JobFilter(slug="a-vs-term2"), 1, {"slug": "a-vs-term2"}),
        (JobFilter(timeframe="12m", geo=""), 4, {"tf": "12m", "geo": ""}),
        (JobFilter(timeframe="5y"), 0, {"tf": "5y"}),
        (JobFilter(reason="refresh"), 1, {"reason": "refresh"}),
        (JobFilter(error_reason="busy"), 1, {"errorReason": "busy"}),
        (JobFilter(JobStatus.READY, error_reason="busy"), 0, {"status": "ready", "errorReason": "busy"}),
        (JobFilter(engine_version="9"), 1, {"engineVersion": "9"}),
        (JobFilter(older_than=timedelta(minutes=5)), 1, {"olderThan": 300}),
        (JobFilter(newer_than=timedelta(minutes=5)), 3, {"newerThan": 300}),
    ],
)
async def test_an_operation_has_the_filter_of_the_list(
    store: Store, wanted: JobFilter, matched: int, described: dict[str, object]
) -> None:
    first, second, third, fourth = await fill(store, 4)
    for job_id, change in (
        (first, "reason = 'refresh'"),
        (second, "error_reason = 'busy', last_error = 'busy: no slot'"),
        (third, "engine_version = '9'"),
        (fourth, "created_at = now() - interval '1 h'"),
    ):
        await store.execute(f"UPDATE warmup_jobs SET {change} WHERE id = %(id)s", id=job_id)
    operation, sample = await Bulk(store.bulk).prepare_jobs(BulkAction.REQUEUE, wanted, operator="Ada")
    listed = await store.listings.jobs(wanted, limit=10)
    assert (operation.matched, operation.filter) == (matched, described)
    assert {job.id for job in sample} == {job.id for job in listed}
