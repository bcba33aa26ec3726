"""Confirmed bulk operations, and what they did."""

from __future__ import annotations

from typing import Any

from services.common.job_status import JobStatus
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import Actor, BulkAction, BulkOperation, BulkState
from services.jobs.domain.queue import JobFilter
from services.jobs.postgres.operations.bulk import BulkOperations
from tests.integration.jobs.conftest import Store

ADA = Actor("Ada", "the cache was lost", "request")
FAILED = JobFilter(status=JobStatus.FAILED)
JOBS = "SELECT id, status, version, reason FROM warmup_jobs ORDER BY id"


async def started(store: Store, action: BulkAction = BulkAction.REQUEUE, wanted: JobFilter = FAILED) -> BulkOperation:
    """A confirmed operation."""
    operation, _ = await Bulk(store.bulk).prepare_jobs(action, wanted, operator="Ada")
    return await Bulk(store.bulk).confirm(operation.id, ADA)


async def run_all(operations: BulkOperations) -> int:
    """Runs batches until there is none, or the operation waits; returns their number."""
    batches = 0
    while (batch := await operations.run_batch()) and not batch.waits:
        batches += 1
    return batches


async def progress(store: Store, operation: BulkOperation) -> tuple[BulkState, int, int]:
    now = await Bulk(store.bulk).get(operation.id)
    return now.state, now.done, now.skipped


async def versions(store: Store) -> dict[tuple[str, int], int]:
    """How many jobs have each status and version."""
    counted: dict[tuple[str, int], int] = {}
    for row in await store.execute(JOBS):
        key = str(row["status"]), int(str(row["version"]))
        counted[key] = counted.get(key, 0) + 1
    return counted


async def recorded(store: Store) -> list[tuple[Any, ...]]:
    return [
        (each.operator, each.action, each.target, each.reason, each.count, each.request_id, each.operation_id)
        for each in await store.actions.actions(limit=10)
    ]
