"""The bodies of bulk operations, and of what operators did."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import operations_pb2

from services.gateway.bodies.fields import Moment, NextCursor, one_of, timestamp
from services.gateway.bodies.jobs import Job, job
from services.gateway.bodies.operators.coverage import CoveredComparison, covered

_BULK_ACTIONS = {
    operations_pb2.BULK_ACTION_REQUEUE: "requeue",
    operations_pb2.BULK_ACTION_CANCEL: "cancel",
    operations_pb2.BULK_ACTION_WARM: "warm",
}
_OPERATOR = (
    "name of the login, or `secret` for calls with the warmup secret, with the name that the caller gave: "
    "`secret (Ada)`; no name is verified"
)
# A filter and a target are JSON objects with names that depend on the action.
JsonObject = dict[str, Any]


class Operation(msgspec.Struct, rename="camel"):
    """One bulk operation."""

    operation_id: int
    action: Annotated[str, one_of(_BULK_ACTIONS.values())]
    filter: Annotated[JsonObject, Meta(description="what it was prepared for")]
    state: Annotated[str, one_of(("prepared", "running", "done", "aborted", "failed"))]
    matched: Annotated[int, Meta(description="jobs or comparisons when it was prepared")]
    done: int
    skipped: Annotated[int, Meta(description="those that had changed since it was prepared")]
    operator: Annotated[str, Meta(description=_OPERATOR)]
    reason: str | None
    created_at: Moment | None
    started_at: Moment | None
    ended_at: Moment | None
    error: Annotated[str | None, Meta(description="of the last batch, if it failed; `running`: it is tried again")]


class PreparedOperation(msgspec.Struct):
    """What a dry run found. Confirm the operation within an hour to run it."""

    operation: Operation
    sample: Annotated[list[Job], Meta(description="the first 20 jobs")]


class PreparedWarming(msgspec.Struct):
    """The same for an operation on comparisons."""

    operation: Operation
    sample: Annotated[list[CoveredComparison], Meta(description="the 20 most popular comparisons")]


class Action(msgspec.Struct, rename="camel"):
    """One action of an operator."""

    id: int
    at: Moment | None
    operator: Annotated[str, Meta(description=_OPERATOR)]
    action: Annotated[str, one_of(("requeue", "cancel", "run", "trigger", "warm", "abort", "import"))]
    target: Annotated[JsonObject, Meta(description="id of a job or an operation, a comparison's key, or a filter")]
    reason: str | None
    count: Annotated[int, Meta(description="jobs that were changed")]
    request_id: str | None
    operation_id: Annotated[int | None, Meta(description="of a bulk operation")]
    error: Annotated[str | None, Meta(description="why the bulk operation failed")]


class ActionList(msgspec.Struct, rename="camel"):
    """One page of what operators did."""

    actions: Annotated[list[Action], Meta(description="newest first")]
    next_cursor: NextCursor


def operation(row: operations_pb2.BulkOperation) -> Operation:
    """The body of one bulk operation."""
    return Operation(
        operation_id=row.id,
        action=_BULK_ACTIONS.get(row.action, ""),
        filter=_object(row.filter),
        state=row.state,
        matched=row.matched,
        done=row.done,
        skipped=row.skipped,
        operator=row.operator,
        reason=row.reason or None,
        created_at=timestamp(row, "created_at"),
        started_at=timestamp(row, "started_at"),
        ended_at=timestamp(row, "ended_at"),
        error=row.error or None,
    )


def prepared(row: operations_pb2.PrepareBulkOperationResponse) -> PreparedOperation:
    """The body of a dry run."""
    return PreparedOperation(operation(row.operation), [job(each) for each in row.sample])


def prepared_warming(row: operations_pb2.PrepareBulkOperationResponse) -> PreparedWarming:
    """The body of a dry run on comparisons."""
    return PreparedWarming(operation(row.operation), [covered(each) for each in row.comparisons])


def action_list(page: operations_pb2.ListActionsResponse) -> ActionList:
    """The body of one page."""
    return ActionList([_action(row) for row in page.actions], page.next_page_token or None)


def _action(row: operations_pb2.OperatorAction) -> Action:
    return Action(
        id=row.id,
        at=timestamp(row, "at"),
        operator=row.operator,
        action=row.action,
        target=_object(row.target),
        reason=row.reason or None,
        count=row.count,
        request_id=row.request_id or None,
        operation_id=row.operation_id or None,
        error=row.error or None,
    )


def _object(text: str) -> JsonObject:
    return msgspec.json.decode(text, type=JsonObject) if text else {}
