"""What the console shows of each action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import ComparisonKey
from services.common.rpc import metadata
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.links import Links
from services.gateway.pages.operations.frame.stored_filter import list_address, read_stored
from services.gateway.pages.operations.jobs.filter import WORLDWIDE
from services.gateway.pages.words import geo_name

_WORDS: Final = {
    "requeue": "queued again",
    "cancel": "cancelled",
    "run": "run at once",
    "trigger": "started",
    "warm": "warmed",
    "abort": "aborted",
    "import": "imported",
}


@dataclass(frozen=True)
class Target:
    """What an action was about."""

    words: str
    path: str  # of its page; empty without one


@dataclass(frozen=True)
class ActionRow:
    """One row of the audit."""

    id: int
    at: datetime | None
    operator: str  # of a login, or the name that a caller with the secret gave; empty without a name
    by_secret: bool
    action: str  # in words
    target: Target
    reason: str
    count: int
    request_id: str
    operation: str  # address of the bulk operation; empty for others
    error: str  # why that failed


def action_row(action: operations_pb2.OperatorAction) -> ActionRow:
    """The row of one action."""
    claimed = metadata.claimed_name(action.operator)
    by_secret = claimed is not None or action.operator == metadata.UNNAMED_OPERATOR
    return ActionRow(
        id=action.id,
        at=timestamp(action, "at"),
        operator=(claimed or "") if by_secret else action.operator,
        by_secret=by_secret,
        action=_WORDS.get(action.action, action.action),
        target=_target(action),
        reason=action.reason,
        count=action.count,
        request_id=action.request_id,
        operation=f"/ops/bulk/{action.operation_id}" if action.operation_id else "",
        error=action.error,
    )


HEADER = ("time", "operator", "action", "target", "reason", "jobs changed", "request id", "operation id", "error", "id")


def cells(action: operations_pb2.OperatorAction) -> list[object]:
    """The same for a spreadsheet, under HEADER."""
    return [
        *(timestamp(action, "at"), action.operator, action.action, action.target, action.reason, action.count),
        *(action.request_id, action.operation_id or None, action.error, action.id),
    ]


def _target(action: operations_pb2.OperatorAction) -> Target:
    fields = read_stored(action.target)
    if fields is None:
        return Target(action.target, "")
    if set(fields) == {"jobId"}:
        return Target(f"job {fields['jobId']}", f"/ops/jobs/{fields['jobId']}")
    if set(fields) == {"operationId"}:
        return Target(f"operation {fields['operationId']}", f"/ops/bulk/{fields['operationId']}")
    if action.action in ("trigger", "import") and {"slug", "tf", "geo"} <= set(fields):
        return _comparison(fields)
    words = ", ".join(f"{name} {value}" for name, value in fields.items())
    return Target(f"all with {words}" if words else "all", list_address(fields, comparisons=action.action == "warm"))


def _comparison(fields: Mapping[str, str]) -> Target:
    """A comparison, and the data that an import stored."""
    geo = "" if fields["geo"] == WORLDWIDE else fields["geo"]
    words = f"{fields['slug']} {fields['tf']} {geo_name(geo)}"
    data_hash = fields.get("dataHash", "")
    path = Links.of(ComparisonKey(fields["slug"], fields["tf"], geo)).page
    return Target(f"{words}, data {data_hash}" if data_hash else words, path)
