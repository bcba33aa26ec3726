"""ListAttempts."""

from __future__ import annotations

from typing import Protocol

from warmcast.jobs.v1 import operations_pb2 as pb
from warmcast.jobs.v1 import operations_pb2_grpc

from services.jobs.domain.reports.history import Attempt
from services.jobs.rpc import page_tokens, requests
from services.jobs.rpc.requests import Context


class AttemptStore(Protocol):
    """See postgres.attempts.Attempts."""

    async def of_job(self, job_id: int, *, limit: int, before: int | None = None) -> list[Attempt]: ...


class AttemptsRpc(operations_pb2_grpc.OperationsServiceServicer):
    """The history of jobs."""

    _attempts: AttemptStore

    async def ListAttempts(self, request: pb.ListAttemptsRequest, context: Context) -> pb.ListAttemptsResponse:
        limit = requests.page_size(request.page_size)
        before = page_tokens.id_cursor(request.page_token)
        rows = await self._attempts.of_job(request.job_id, limit=limit + 1, before=before)
        token = page_tokens.encode([rows[limit - 1].lease_id]) if len(rows) > limit else ""
        return pb.ListAttemptsResponse(attempts=map(_attempt, rows[:limit]), next_page_token=token)


def _attempt(row: Attempt) -> pb.Attempt:
    return pb.Attempt(
        job_id=row.job_id,
        lease_id=row.lease_id,
        attempt=row.attempt,
        reason=row.reason,
        holder=row.holder or "",
        due_at=row.due_at,
        claimed_at=row.claimed_at,
        ended_at=row.ended_at,
        outcome=row.outcome.value,
        error_reason=row.error_reason or "",
        error=row.error or "",
        engine_version=row.engine_version or "",
        debug_id=row.debug_id,
        trace_id=row.trace_id,
        adopted=row.adopted,
        refused_at=row.refused_at,
    )
