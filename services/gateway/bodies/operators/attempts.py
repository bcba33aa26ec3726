"""The body of a job's attempts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import operations_pb2

from services.gateway.bodies.fields import Moment, NextCursor, one_of, timestamp

OUTCOMES = ["ready", "retry", "failed", "handed-back", "lease-expired", "deadline-passed", "cancelled", "superseded"]
Outcome = Annotated[str, one_of(OUTCOMES)]


class Attempt(msgspec.Struct, rename="camel"):
    """One attempt that has ended."""

    job_id: int
    lease_id: int
    attempt: Annotated[int, Meta(description="in its episode")]
    reason: Annotated[str, Meta(description="reason of its episode's enqueue")]
    holder: Annotated[str, Meta(description="the process that claimed it")]
    due_at: Annotated[Moment | None, Meta(description="when it could have started")]
    claimed_at: Moment | None
    ended_at: Moment | None
    outcome: Outcome
    error_reason: Annotated[str | None, Meta(description="such as unavailable")]
    error: str | None
    engine_version: str | None
    debug_id: str | None
    trace_id: str | None
    adopted: Annotated[bool, Meta(description="the bundles of an earlier attempt of the episode were adopted")]
    refused_at: Annotated[Moment | None, Meta(description="when its late result was refused")]


class AttemptList(msgspec.Struct, rename="camel"):
    """One page of a job's attempts."""

    attempts: Annotated[list[Attempt], Meta(description="newest first; a running attempt is not among them")]
    next_cursor: NextCursor


def attempt_list(page: operations_pb2.ListAttemptsResponse) -> AttemptList:
    """The body of one page."""
    return AttemptList([_attempt(row) for row in page.attempts], page.next_page_token or None)


def _attempt(row: operations_pb2.Attempt) -> Attempt:
    return Attempt(
        job_id=row.job_id,
        lease_id=row.lease_id,
        attempt=row.attempt,
        reason=row.reason,
        holder=row.holder,
        due_at=timestamp(row, "due_at"),
        claimed_at=timestamp(row, "claimed_at"),
        ended_at=timestamp(row, "ended_at"),
        outcome=row.outcome,
        error_reason=row.error_reason or None,
        error=row.error or None,
        engine_version=row.engine_version or None,
        debug_id=row.debug_id or None,
        trace_id=row.trace_id or None,
        adopted=row.adopted,
        refused_at=timestamp(row, "refused_at"),
    )
