"""ListActions and ListScheduleRuns."""

from __future__ import annotations

import json
from typing import Protocol

from warmcast.jobs.v1 import operations_pb2 as pb
from warmcast.jobs.v1 import operations_pb2_grpc

from services.common.comparison import invalid
from services.jobs.domain.operations import OperatorAction, Schedule, ScheduleRun
from services.jobs.rpc import page_tokens, requests
from services.jobs.rpc.requests import Context


class ActionStore(Protocol):
    """See postgres.operations.actions.ActionLog."""

    async def actions(self, *, limit: int, before: int | None = None) -> list[OperatorAction]: ...

    async def runs(self, schedule: Schedule, *, limit: int) -> list[ScheduleRun]: ...

    async def last_runs(self) -> list[ScheduleRun]: ...


class RecordsRpc(operations_pb2_grpc.OperationsServiceServicer):
    """The methods that return what operators and schedules did."""

    _actions: ActionStore

    async def ListActions(self, request: pb.ListActionsRequest, context: Context) -> pb.ListActionsResponse:
        limit = requests.page_size(request.page_size)
        rows = await self._actions.actions(limit=limit + 1, before=page_tokens.id_cursor(request.page_token))
        token = page_tokens.encode([rows[limit - 1].id]) if len(rows) > limit else ""
        return pb.ListActionsResponse(actions=map(_action, rows[:limit]), next_page_token=token)

    async def ListScheduleRuns(
        self, request: pb.ListScheduleRunsRequest, context: Context
    ) -> pb.ListScheduleRunsResponse:
        limit = requests.page_size(request.page_size)
        if not request.schedule:
            return pb.ListScheduleRunsResponse(runs=map(_run, await self._actions.last_runs()))
        try:
            schedule = Schedule(request.schedule)
        except ValueError:
            raise invalid("schedule", f"the schedules are: {', '.join(Schedule)}") from None
        return pb.ListScheduleRunsResponse(runs=map(_run, await self._actions.runs(schedule, limit=limit)))


def _action(row: OperatorAction) -> pb.OperatorAction:
    return pb.OperatorAction(
        id=row.id,
        at=row.at,
        operator=row.operator,
        action=row.action,
        target=json.dumps(row.target),
        reason=row.reason,
        count=row.count,
        request_id=row.request_id,
        operation_id=row.operation_id or 0,
        error=row.error,
    )


def _run(row: ScheduleRun) -> pb.ScheduleRun:
    return pb.ScheduleRun(
        schedule=row.schedule,
        started_at=row.started_at,
        ended_at=row.ended_at,
        succeeded=row.succeeded,
        count=row.count,
        detail=row.detail,
    )
