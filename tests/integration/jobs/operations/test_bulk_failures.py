"""An operation whose batch fails is tried again beside others, and ends as failed."""

from __future__ import annotations

import pytest

from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import (
    FIRST_RETRY_SECONDS,
    MAX_FAILURES,
    BatchFailedError,
    BulkAction,
    BulkOperation,
    BulkState,
)
from services.jobs.domain.queue import JobFilter
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.operations.confirmed import ADA, progress, recorded, run_all, started, versions
from tests.integration.jobs.operations.filling import fill

# PostgreSQL refuses to queue one job again, with an error that no release expects.
REFUSE = """
ALTER TABLE warmup_jobs ADD CONSTRAINT refused CHECK (NOT (slug = 'a-vs-term15' AND status = 'queued')) NOT VALID
"""
ALLOW = "ALTER TABLE warmup_jobs DROP CONSTRAINT refused"
DUE = "UPDATE bulk_operations SET retry_at = now() WHERE retry_at IS NOT NULL"
PAUSES = "SELECT failures, EXTRACT(epoch FROM retry_at - now())::float8 AS pause FROM bulk_operations WHERE id = %(id)s"
ERROR = "CheckViolation; the log of jobs says more"


async def fail_once(store: Store, holder: str = "first") -> BulkOperation:
    """The operation after its due batch failed."""
    await store.execute(DUE)
    with pytest.raises(BatchFailedError) as failed:
        await store.bulk_of(holder, batch=10).run_batch()
    return failed.value.operation


async def refused(store: Store) -> BulkOperation:
    """A confirmed operation on 30 jobs, of which the second batch of 10 fails."""
    await fill(store, 30)
    operation = await started(store)
    await store.execute(REFUSE)
    await store.bulk_of("first", batch=10).run_batch()
    return operation


async def test_a_batch_that_fails_is_tried_again_with_growing_pauses(store: Store) -> None:
    operation = await refused(store)
    for failures in range(1, 4):
        failed = await fail_once(store)
        assert (failed.state, failed.done, failed.error) == (BulkState.RUNNING, 10, ERROR)
        (row,) = await store.execute(PAUSES, id=operation.id)
        longest = FIRST_RETRY_SECONDS * 2 ** (failures - 1)
        assert row["failures"] == failures
        assert longest - 0.5 < float(str(row["pause"])) <= longest
        assert await store.bulk_of("first", batch=10).run_batch() is None, "its next attempt is not due"


async def test_other_operations_proceed_while_one_waits_for_its_next_attempt(store: Store) -> None:
    operation = await refused(store)
    later = await started(store, BulkAction.REQUEUE, JobFilter(status=JobStatus.FAILED, slug="a-vs-term20"))
    await fail_once(store)
    await run_all(store.bulk_of("first", batch=10))
    assert await progress(store, later) == (BulkState.DONE, 1, 0)
    assert await progress(store, operation) == (BulkState.RUNNING, 10, 0)


async def test_the_last_failure_ends_the_operation_and_its_action_says_why(store: Store) -> None:
    operation = await refused(store)
    for _ in range(MAX_FAILURES - 1):
        assert (await fail_once(store)).state is BulkState.RUNNING
    failed = await fail_once(store, holder="another")
    assert (failed.state, failed.done, failed.skipped, failed.matched) == (BulkState.FAILED, 10, 0, 30)
    assert failed.ended_at is not None
    await store.execute(DUE)
    assert await store.bulk_of("first", batch=10).run_batch() is None
    assert await versions(store) == {("queued", 2): 10, ("failed", 1): 20}
    [action] = await store.actions.actions(limit=10)
    assert (action.operation_id, action.count, action.error) == (operation.id, 10, ERROR)
    kept = "SELECT ids, versions, holder FROM bulk_operations"
    assert await store.execute(kept) == [{"ids": [], "versions": [], "holder": None}]


async def test_an_operation_that_failed_is_neither_confirmed_nor_aborted(store: Store) -> None:
    operation = await refused(store)
    for _ in range(MAX_FAILURES):
        await fail_once(store)
    for change in (Bulk(store.bulk).confirm, Bulk(store.bulk).abort):
        with pytest.raises(WarmcastError, match="has failed"):
            await change(operation.id, ADA)
    assert len(await recorded(store)) == 1


async def test_a_batch_that_succeeds_at_last_forgets_its_failures(store: Store) -> None:
    operation = await refused(store)
    for _ in range(MAX_FAILURES - 1):
        await fail_once(store)
    await store.execute(ALLOW)
    await store.execute(DUE)
    replica = store.bulk_of("another", batch=10)
    batch = await replica.run_batch()
    assert batch is not None
    assert (batch.operation.done, batch.operation.error) == (20, "")
    assert [row["failures"] for row in await store.execute(PAUSES, id=operation.id)] == [0]
    await run_all(replica)
    assert await progress(store, operation) == (BulkState.DONE, 30, 0)


async def test_a_failure_is_not_counted_for_a_batch_that_another_replica_has_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await refused(store)
    count = store.bulk._count_failure
    failing = store.bulk_of("first", batch=10)

    async def after_the_other(*arguments: object) -> BulkOperation | None:
        await store.execute(ALLOW)
        await store.bulk_of("first", batch=10).run_batch()
        return await count(*arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(failing, "_count_failure", after_the_other)
    with pytest.raises(Exception, match="refused"):
        await failing.run_batch()
    assert [row["failures"] for row in await store.execute(PAUSES, id=operation.id)] == [0]
    assert await progress(store, operation) == (BulkState.RUNNING, 20, 0)


async def test_an_operation_that_failed_is_deleted_by_its_age(store: Store) -> None:
    operation = await refused(store)
    for _ in range(MAX_FAILURES):
        await fail_once(store)
    await store.execute("UPDATE bulk_operations SET ended_at = now() - interval '100 days'")
    await store.queue.delete_old(days=90, limit=100)
    assert await store.bulk.get(operation.id) is None
