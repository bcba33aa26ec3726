"""The routes of bulk operations: prepare, show, confirm, abort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import operations_pb2

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.gateway.pages.operations.bulk.view import ACTIONS, operation, sample
from services.gateway.pages.operations.coverage import filter as coverage
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import read_filter
from services.gateway.pages.operations.jobs import filter as jobs
from services.gateway.pages.operations.jobs.selected import MAX_REASON, read_reason
from services.gateway.pages.site import see_other
from services.gateway.routes.requests.parameters import job_id
from services.gateway.upstream.operations import BulkFilter, Operations

_PATH = "/ops/bulk"
_REFRESH_SECONDS = 5


@dataclass(frozen=True)
class BulkPages:
    """Dry run, confirmation and progress."""

    console: Console
    operations: Operations
    secret: str  # that jobs accepts; empty where none is configured

    async def prepare(self, request: Request) -> Response:
        """The dry run: how many match, and a sample. Nothing changes."""
        fields = await self.console.site.write_form(request)
        action = fields.get("action", "")
        if action not in ACTIONS:
            raise invalid("action", f"action must be one of {', '.join(ACTIONS)}")
        operator = self.console.session(request).name
        prepared = await self.operations.prepare(
            ACTIONS[action], _filter(action, fields), secret=self.secret, operator=operator
        )
        return self._respond(request, prepared.operation, prepared)

    async def page(self, request: Request) -> Response:
        """One operation."""
        return self._respond(request, await self.operations.get_operation(_id(request)))

    async def fragment(self, request: Request) -> Response:
        """Its live part."""
        row = await self.operations.get_operation(_id(request))
        return self.console.fragment(request, self._live(request, row))

    async def confirm(self, request: Request) -> Response:
        """Starts a prepared operation, and leads to its progress."""
        fields = await self.console.site.write_form(request)
        operator = self.console.session(request).name
        await self.operations.confirm(_id(request), reason=read_reason(fields), secret=self.secret, operator=operator)
        return see_other(f"{_PATH}/{_id(request)}")

    async def abort(self, request: Request) -> Response:
        """Stops an operation after its current batch."""
        await self.console.site.write_form(request)
        operator = self.console.session(request).name
        try:
            await self.operations.abort(_id(request), secret=self.secret, operator=operator)
        except WarmcastError as error:
            if error.reason is not errors.WRONG_STATE:
                raise
            # It ended meanwhile, which its page shows.
        return see_other(f"{_PATH}/{_id(request)}")

    def _respond(
        self,
        request: Request,
        row: operations_pb2.BulkOperation,
        prepared: operations_pb2.PrepareBulkOperationResponse | None = None,
    ) -> Response:
        shown = operation(row)
        changes = row.state == "running"
        section = "Comparisons" if row.action == operations_pb2.BULK_ACTION_WARM else "Jobs"
        view = View(
            section,
            shown.title,
            self._live(request, row, prepared),
            f"{_PATH}/{row.id}/fragment" if changes else "",
            refresh_seconds=_REFRESH_SECONDS if changes else 0,
        )
        headers = {"cache-control": "no-store"} if prepared else None
        return self.console.respond(request, view, headers=headers)

    def _live(
        self,
        request: Request,
        row: operations_pb2.BulkOperation,
        prepared: operations_pb2.PrepareBulkOperationResponse | None = None,
    ) -> Markup:
        return self.console.render(
            "operations/bulk/live.html",
            request,
            operation=operation(row),
            sample=sample(prepared) if prepared else [],
            path=f"{_PATH}/{row.id}",
            max_reason=MAX_REASON,
        )


def _filter(action: str, fields: Mapping[str, str]) -> BulkFilter:
    """The filter of a form, which has the fields of the list's addresses."""
    query = QueryParams(list(fields.items()))
    if action == "warm":
        return coverage.coverage_filter(read_filter(query, coverage.NAMES))
    return jobs.job_filter(read_filter(query, jobs.NAMES))


def _id(request: Request) -> int:
    return job_id(request.path_params["id"])
