"""What the pages of a bulk operation show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import ComparisonKey
from services.common.rpc.job_status import status_name
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.links import Links
from services.gateway.pages.operations.frame.stored_filter import list_address, read_stored
from services.gateway.pages.text import number
from services.gateway.pages.words import geo_name

ACTIONS: Final = {
    "requeue": operations_pb2.BULK_ACTION_REQUEUE,
    "cancel": operations_pb2.BULK_ACTION_CANCEL,
    "warm": operations_pb2.BULK_ACTION_WARM,
}
_NAMES = {action: name for name, action in ACTIONS.items()}
_VERBS = {"requeue": ("Requeue", "re-queued"), "cancel": ("Cancel", "cancelled"), "warm": ("Warm", "enqueued")}
_SETTLED = ("done", "aborted", "failed")


@dataclass(frozen=True)
class Operation:
    """One bulk operation."""

    id: int
    title: str  # what it does to how many
    did: str  # in the past participle
    things: str  # jobs or comparisons
    filter: list[tuple[str, str]]  # empty: all
    listed: str  # address of what matches the filter
    state: str
    matched: int
    done: int
    skipped: int
    remaining: int
    operator: str
    reason: str
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str  # of the last batch, if it failed

    @property
    def settled(self) -> bool:
        """Whether it has ended."""
        return self.state in _SETTLED


@dataclass(frozen=True)
class SampleRow:
    """One that matches."""

    name: str
    path: str
    state: str


def operation(row: operations_pb2.BulkOperation) -> Operation:
    """The view of one operation."""
    name = _NAMES.get(row.action, "requeue")
    verb, did = _VERBS[name]
    thing = "comparison" if name == "warm" else "job"
    fields = read_stored(row.filter)
    return Operation(
        id=row.id,
        title=f"{verb} {number(row.matched)} {thing}{'' if row.matched == 1 else 's'}",
        did=did,
        things=f"{thing}s",
        filter=[("filter", row.filter)] if fields is None else list(fields.items()),
        listed=list_address(fields or {}, comparisons=name == "warm"),
        state=row.state,
        matched=row.matched,
        done=row.done,
        skipped=row.skipped,
        remaining=max(0, row.matched - row.done - row.skipped),
        operator=row.operator,
        reason=row.reason,
        created_at=timestamp(row, "created_at"),
        started_at=timestamp(row, "started_at"),
        ended_at=timestamp(row, "ended_at"),
        error=row.error,
    )


def sample(prepared: operations_pb2.PrepareBulkOperationResponse) -> list[SampleRow]:
    """The first ones that match."""
    jobs = [
        SampleRow(
            f"{job.id}: {job.slug} {job.timeframe} {geo_name(job.geo)}", f"/ops/jobs/{job.id}", status_name(job.status)
        )
        for job in prepared.sample
    ]
    return jobs + [_comparison(each) for each in prepared.comparisons]


def _comparison(row: operations_pb2.CoveredComparison) -> SampleRow:
    each = row.comparison
    path = Links.of(ComparisonKey(each.slug, each.timeframe, each.geo)).page
    return SampleRow(f"{each.slug} {each.timeframe} {geo_name(each.geo)}", path, row.state)
