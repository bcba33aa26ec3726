"""Bulk operations over gRPC."""

from __future__ import annotations

import json

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import operations_pb2 as ops

from services.common import errors
from services.common.rpc import metadata
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.operations.filling import fill
from tests.integration.jobs.service import SENT, Jobs, refused

BY_ADA = (*SENT, (metadata.OPERATOR, "Ada"))
FAILED = ops.JobFilter(status=pb.JOB_STATUS_FAILED)


async def prepared(
    service: Jobs,
    action: ops.BulkAction.ValueType,
    jobs: ops.JobFilter | None = None,
    comparisons: ops.CoverageFilter | None = None,
) -> ops.PrepareBulkOperationResponse:
    request = ops.PrepareBulkOperationRequest(action=action, jobs=jobs, comparisons=comparisons)
    return await service.operations.PrepareBulkOperation(request, metadata=BY_ADA)


async def test_an_operation_is_prepared_confirmed_and_run(jobs: Jobs, store: Store) -> None:
    ids = await fill(store, 30)
    dry_run = await prepared(jobs, ops.BULK_ACTION_REQUEUE, FAILED)
    operation = dry_run.operation
    assert (operation.state, operation.matched, operation.operator) == ("prepared", 30, "Ada")
    assert json.loads(operation.filter) == {"status": "failed"}
    assert not operation.HasField("started_at")
    assert [job.id for job in dry_run.sample] == ids[:20]
    confirm = ops.ConfirmBulkOperationRequest(id=operation.id, reason=" the cache was lost ")
    confirmed = (await jobs.operations.ConfirmBulkOperation(confirm, metadata=SENT)).operation
    assert (confirmed.state, confirmed.operator, confirmed.reason) == ("running", "secret", "the cache was lost")
    assert (await jobs.operations.ConfirmBulkOperation(confirm, metadata=BY_ADA)).operation == confirmed
    await store.bulk.run_batch()
    ended = (await jobs.operations.GetBulkOperation(ops.GetBulkOperationRequest(id=operation.id))).operation
    assert (ended.state, ended.done, ended.skipped) == ("done", 30, 0)
    assert ended.created_at.ToDatetime() <= ended.started_at.ToDatetime() <= ended.ended_at.ToDatetime()
    (action,) = (await jobs.operations.ListActions(ops.ListActionsRequest())).actions
    assert (action.operator, action.count, action.operation_id) == ("secret", 30, operation.id)


async def test_comparisons_are_warmed(jobs: Jobs, store: Store) -> None:
    await store.comparison()
    matching = ops.CoverageFilter(state="cold", query="Amazon", timeframe="12m", geo="")
    dry_run = await prepared(jobs, ops.BULK_ACTION_WARM, comparisons=matching)
    assert json.loads(dry_run.operation.filter) == {"state": "cold", "q": "amazon", "tf": "12m", "geo": ""}
    assert [each.comparison.slug for each in dry_run.comparisons] == ["amazon-vs-costco"]
    assert not dry_run.sample
    confirm = ops.ConfirmBulkOperationRequest(id=dry_run.operation.id, reason="before the launch")
    await jobs.operations.ConfirmBulkOperation(confirm, metadata=BY_ADA)
    await store.bulk.run_batch()
    assert (await store.claim_one()).slug == "amazon-vs-costco"


async def test_a_prepared_operation_is_aborted(jobs: Jobs, store: Store) -> None:
    await fill(store, 3)
    operation = (await prepared(jobs, ops.BULK_ACTION_CANCEL)).operation
    assert (operation.action, operation.matched) == (ops.BULK_ACTION_CANCEL, 0)
    abort = ops.AbortBulkOperationRequest(id=operation.id)
    for _ in range(2):
        assert (await jobs.operations.AbortBulkOperation(abort, metadata=SENT)).operation.state == "aborted"
    assert not (await jobs.operations.ListActions(ops.ListActionsRequest())).actions, "nothing was started"
    confirm = ops.ConfirmBulkOperationRequest(id=operation.id, reason="too late")
    error = await refused(jobs.operations.ConfirmBulkOperation(confirm, metadata=SENT))
    assert error.reason is errors.WRONG_STATE


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "action"),
        ({"action": ops.BULK_ACTION_WARM, "jobs": FAILED}, "filter"),
        ({"action": ops.BULK_ACTION_REQUEUE, "comparisons": ops.CoverageFilter()}, "filter"),
        ({"action": ops.BULK_ACTION_REQUEUE, "jobs": ops.JobFilter(status=pb.JOB_STATUS_RUNNING)}, "status"),
        ({"action": ops.BULK_ACTION_REQUEUE, "jobs": ops.JobFilter(status=99)}, "status"),  # type: ignore[arg-type]
        ({"action": ops.BULK_ACTION_REQUEUE, "jobs": ops.JobFilter(older_than_seconds=-1)}, "older_than_seconds"),
        ({"action": ops.BULK_ACTION_WARM, "comparisons": ops.CoverageFilter(query="?!")}, "query"),
    ],
)
async def test_a_filter_that_does_not_fit_is_refused(jobs: Jobs, fields: dict[str, object], field: str) -> None:
    request = ops.PrepareBulkOperationRequest(**fields)  # type: ignore[arg-type]  # fields of that message
    error = await refused(jobs.operations.PrepareBulkOperation(request, metadata=SENT))
    assert (error.reason, [name for name, _ in error.fields]) == (errors.INVALID_ARGUMENT, [field])


async def test_a_confirmation_needs_a_reason(jobs: Jobs, store: Store) -> None:
    await fill(store, 1)
    operation = (await prepared(jobs, ops.BULK_ACTION_REQUEUE, FAILED)).operation
    confirm = ops.ConfirmBulkOperationRequest(id=operation.id, reason="  ")
    error = await refused(jobs.operations.ConfirmBulkOperation(confirm, metadata=SENT))
    assert (error.reason, error.fields[0][0]) == (errors.INVALID_ARGUMENT, "reason")
    assert await store.bulk.run_batch() is None


async def test_an_unknown_operation_is_not_found(jobs: Jobs) -> None:
    for call in (
        jobs.operations.GetBulkOperation(ops.GetBulkOperationRequest(id=7)),
        jobs.operations.AbortBulkOperation(ops.AbortBulkOperationRequest(id=7), metadata=SENT),
        jobs.operations.ConfirmBulkOperation(ops.ConfirmBulkOperationRequest(id=7, reason="r"), metadata=SENT),
    ):
        assert (await refused(call)).reason is errors.NOT_FOUND
