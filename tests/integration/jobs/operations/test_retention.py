"""Retention of what operators and schedules did."""

from __future__ import annotations

from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import Actor, BulkAction, Outcome, Record, Schedule
from services.jobs.domain.queue import JobFilter
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.operations.filling import fill

ADA = Actor("Ada", "a reason", "request")


async def test_old_records_are_deleted_in_batches(store: Store) -> None:
    (job,) = await fill(store, 1)
    bulk = Bulk(store.bulk)
    for _ in range(3):
        await store.queue.requeue(job, record=Record(ADA, {"jobId": job}))
        await store.actions.record_run(Schedule.SWEEP, Outcome(1), seconds=1)
        operation, _ = await bulk.prepare_jobs(BulkAction.REQUEUE, JobFilter(), operator="Ada")
        await bulk.confirm(operation.id, ADA)
        await store.bulk.run_batch()
    unfinished, _ = await bulk.prepare_jobs(BulkAction.REQUEUE, JobFilter(), operator="Ada")
    await bulk.confirm(unfinished.id, ADA)
    await store.execute("UPDATE operator_actions SET at = now() - interval '31 d' WHERE id <= 4")
    await store.execute("UPDATE schedule_runs SET ended_at = now() - interval '31 d' WHERE id <= 2")
    await store.execute("UPDATE bulk_operations SET ended_at = now() - interval '31 d' WHERE id <= 2")
    deleted = [await store.queue.delete_old(days=30, limit=2) for _ in range(3)]
    assert deleted == [6, 2, 0]
    assert [action.id for action in await store.actions.actions(limit=9)] == [7, 6, 5]
    assert len(await store.actions.runs(Schedule.SWEEP, limit=9)) == 1
    assert [row["id"] for row in await store.execute("SELECT id FROM bulk_operations ORDER BY id")] == [
        3,
        unfinished.id,
    ]
