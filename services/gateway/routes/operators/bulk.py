"""Routes of bulk operations: cancel and re-queue by filter, confirm, abort, progress."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import invalid
from services.gateway.bodies.operators import operations as bodies
from services.gateway.routes.operators.filters import JobFilterBody, bulk_filter
from services.gateway.routes.requests import parameters, request_bodies
from services.gateway.routes.responses import json_response
from services.gateway.upstream.operations import Operations

DRY_RUN = "dryRun"


class BulkBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What a bulk operation is for."""

    filter: JobFilterBody | None = None
    reason: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class BulkRoutes:
    """/api/jobs/cancel, /api/jobs/requeue and /api/operations/{id}."""

    operations: Operations
    bounds: request_bodies.BodyBounds

    async def cancel(self, request: Request, secret: str) -> Response:
        """Cancels all jobs that match and are queued or running."""
        return await self._change(request, secret, operations_pb2.BULK_ACTION_CANCEL)

    async def requeue(self, request: Request, secret: str) -> Response:
        """Starts a new episode of all jobs that match and are not running."""
        return await self._change(request, secret, operations_pb2.BULK_ACTION_REQUEUE)

    async def show(self, request: Request) -> Response:
        """One operation and its progress."""
        return json_response(bodies.operation(await self.operations.get_operation(_id(request))))

    async def confirm(self, request: Request, secret: str) -> Response:
        """Starts a prepared operation."""
        operation_id = _id(request)
        body = await request_bodies.optional_json(request, self.bounds, request_bodies.ReasonBody)
        return _accepted(
            await self.operations.confirm(operation_id, reason=_required(body.reason), secret=secret),
        )

    async def abort(self, request: Request, secret: str) -> Response:
        """Stops an operation after its current batch."""
        return json_response(bodies.operation(await self.operations.abort(_id(request), secret=secret)))

    async def _change(self, request: Request, secret: str, action: operations_pb2.BulkAction.ValueType) -> Response:
        query = request.query_params
        body = await request_bodies.optional_json(request, self.bounds, BulkBody)
        matching = bulk_filter(query, body.filter, others=(DRY_RUN,))
        dry_run = parameters.flag(query, DRY_RUN) or body.dry_run
        reason = "" if dry_run else _required(body.reason)
        prepared = await self.operations.prepare(action, matching, secret=secret)
        if dry_run:
            return json_response(bodies.prepared(prepared))
        return _accepted(await self.operations.confirm(prepared.operation.id, reason=reason, secret=secret))


def _accepted(row: operations_pb2.BulkOperation) -> Response:
    return json_response(bodies.operation(row), 202, {"location": f"/api/operations/{row.id}"})


def _required(reason: str) -> str:
    if not reason.strip():
        raise invalid("reason", 'a bulk operation needs a reason in the body, {"reason": "…"}, which the audit keeps')
    return reason


def _id(request: Request) -> int:
    return parameters.job_id(request.path_params["id"])
