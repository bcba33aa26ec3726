"""Routes of bulk operations: cancel and re-queue jobs and warm comparisons by filter, confirm, abort, progress."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import invalid
from services.gateway.bodies.operators import operations as bodies
from services.gateway.routes.operators.filters import (
    CoverageFilterBody,
    JobFilterBody,
    bulk_coverage_filter,
    bulk_filter,
)
from services.gateway.routes.requests import parameters, request_bodies
from services.gateway.routes.responses import json_response
from services.gateway.upstream.operations import BulkFilter, Operations

DRY_RUN = "dryRun"


class BulkBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What a bulk operation on jobs is for."""

    filter: JobFilterBody | None = None
    reason: str = ""
    dry_run: bool = False


class WarmingBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The same on comparisons."""

    filter: CoverageFilterBody | None = None
    reason: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class BulkRoutes:
    """/api/jobs/cancel, /api/jobs/requeue, /api/coverage/warm and /api/operations/{id}."""

    operations: Operations
    bounds: request_bodies.BodyBounds

    async def cancel(self, request: Request, secret: str) -> Response:
        """Cancels all jobs that match and are queued or running."""
        return await self._change(request, secret, operations_pb2.BULK_ACTION_CANCEL)

    async def requeue(self, request: Request, secret: str) -> Response:
        """Starts a new episode of all jobs that match and are not running."""
        return await self._change(request, secret, operations_pb2.BULK_ACTION_REQUEUE)

    async def warm(self, request: Request, secret: str) -> Response:
        """Starts an episode of the current snapshot of all comparisons that match, unless its job is running."""
        body = await request_bodies.optional_json(request, self.bounds, WarmingBody)
        matching = bulk_coverage_filter(request.query_params, body.filter, others=(DRY_RUN,))
        return await self._prepare(request, secret, operations_pb2.BULK_ACTION_WARM, matching, body)

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
        body = await request_bodies.optional_json(request, self.bounds, BulkBody)
        matching = bulk_filter(request.query_params, body.filter, others=(DRY_RUN,))
        return await self._prepare(request, secret, action, matching, body)

    async def _prepare(
        self,
        request: Request,
        secret: str,
        action: operations_pb2.BulkAction.ValueType,
        matching: BulkFilter,
        body: BulkBody | WarmingBody,
    ) -> Response:
        """Prepares the operation, and confirms it unless it is a dry run."""
        dry_run = parameters.flag(request.query_params, DRY_RUN) or body.dry_run
        reason = "" if dry_run else _required(body.reason)
        prepared = await self.operations.prepare(action, matching, secret=secret)
        if dry_run:
            on_comparisons = action == operations_pb2.BULK_ACTION_WARM
            return json_response((bodies.prepared_warming if on_comparisons else bodies.prepared)(prepared))
        return _accepted(await self.operations.confirm(prepared.operation.id, reason=reason, secret=secret))


def _accepted(row: operations_pb2.BulkOperation) -> Response:
    return json_response(bodies.operation(row), 202, {"location": f"/api/operations/{row.id}"})


def _required(reason: str) -> str:
    if not reason.strip():
        raise invalid("reason", 'a bulk operation needs a reason in the body, {"reason": "…"}, which the audit keeps')
    return reason


def _id(request: Request) -> int:
    return parameters.job_id(request.path_params["id"])
