"""RunJob, and the methods of bulk operations."""

from __future__ import annotations

import json

from warmcast.jobs.v1 import operations_pb2 as pb
from warmcast.jobs.v1 import operations_pb2_grpc

from services.common.comparison import invalid
from services.common.rpc import metadata
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import BulkAction, BulkOperation
from services.jobs.rpc import mapping, requests
from services.jobs.rpc.operations import report_mapping
from services.jobs.rpc.operations.coverage_filter import coverage_filter
from services.jobs.rpc.requests import Context

_ACTIONS = {
    pb.BULK_ACTION_REQUEUE: BulkAction.REQUEUE,
    pb.BULK_ACTION_CANCEL: BulkAction.CANCEL,
    pb.BULK_ACTION_WARM: BulkAction.WARM,
}
_TO_PROTO = {action: value for value, action in _ACTIONS.items()}


class ChangesRpc(operations_pb2_grpc.OperationsServiceServicer):
    """The methods by which operators change jobs."""

    _bulk: Bulk
    _dispatcher: Dispatcher

    async def RunJob(self, request: pb.RunJobRequest, context: Context) -> pb.RunJobResponse:
        actor = requests.actor(context, request.reason)
        return pb.RunJobResponse(job=mapping.job(await self._dispatcher.run_job(request.id, actor)))

    async def PrepareBulkOperation(
        self, request: pb.PrepareBulkOperationRequest, context: Context
    ) -> pb.PrepareBulkOperationResponse:
        action = _ACTIONS.get(request.action)
        if action is None:
            raise invalid("action", "the action is missing: requeue, cancel or warm")
        kind = "comparisons" if action is BulkAction.WARM else "jobs"
        if request.WhichOneof("filter") not in (kind, None):
            raise invalid("filter", f"{action.value} needs a filter of {kind}")
        operator = metadata.operator(context.invocation_metadata())
        if action is BulkAction.WARM:
            matching = coverage_filter(request.comparisons)
            if matching is None:
                raise invalid("query", "no comparison can match this query; it has no letters or digits")
            operation, covered = await self._bulk.prepare_comparisons(matching, operator=operator)
            return pb.PrepareBulkOperationResponse(
                operation=_operation(operation), comparisons=map(report_mapping.covered_comparison, covered)
            )
        operation, sample = await self._bulk.prepare_jobs(action, requests.job_filter(request.jobs), operator=operator)
        return pb.PrepareBulkOperationResponse(operation=_operation(operation), sample=map(mapping.job, sample))

    async def ConfirmBulkOperation(
        self, request: pb.ConfirmBulkOperationRequest, context: Context
    ) -> pb.ConfirmBulkOperationResponse:
        actor = requests.actor(context, request.reason)
        if not actor.reason:
            raise invalid("reason", "a reason is needed; it is recorded with the operation")
        return pb.ConfirmBulkOperationResponse(operation=_operation(await self._bulk.confirm(request.id, actor)))

    async def AbortBulkOperation(
        self, request: pb.AbortBulkOperationRequest, context: Context
    ) -> pb.AbortBulkOperationResponse:
        actor = requests.actor(context, "")
        return pb.AbortBulkOperationResponse(operation=_operation(await self._bulk.abort(request.id, actor)))

    async def GetBulkOperation(
        self, request: pb.GetBulkOperationRequest, context: Context
    ) -> pb.GetBulkOperationResponse:
        return pb.GetBulkOperationResponse(operation=_operation(await self._bulk.get(request.id)))


def _operation(row: BulkOperation) -> pb.BulkOperation:
    return pb.BulkOperation(
        id=row.id,
        action=_TO_PROTO[row.action],
        filter=json.dumps(row.filter),
        state=row.state.value,
        matched=row.matched,
        done=row.done,
        skipped=row.skipped,
        operator=row.operator,
        reason=row.reason,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
    )
