"""The list of operators' actions, its live part, and the list as CSV."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.pages.operations.audit.view import HEADER, action_row, cells
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import CSV_PAGE_SIZE, PAGE_SIZE, Addresses, csv_download
from services.gateway.routes.requests.parameters import cursor
from services.gateway.upstream.operations import Operations

PATH = "/ops/audit"


@dataclass(frozen=True)
class AuditPages:
    """The audit."""

    console: Console
    operations: Operations

    async def page(self, request: Request) -> Response:
        """One page of actions, newest first."""
        after = cursor(request.query_params)
        live = await self._live(request, after)
        before = self.console.render("operations/audit/before.html", request)
        fragment = Addresses(PATH, {}).fragment(after)
        view = View("Audit", "Audit", live, fragment, before=before, script="ops-rows.js")
        return self.console.respond(request, view)

    async def fragment(self, request: Request) -> Response:
        """The rows alone."""
        return self.console.fragment(request, await self._live(request, cursor(request.query_params)))

    async def csv(self, request: Request) -> Response:
        """All actions."""

        async def fetch(after: str) -> tuple[list[list[object]], str]:
            found = await self.operations.list_actions(limit=CSV_PAGE_SIZE, cursor=after)
            return [cells(action) for action in found.actions], found.next_page_token

        return await csv_download(request, "audit", HEADER, fetch)

    async def _live(self, request: Request, after: str) -> Markup:
        found = await self.operations.list_actions(limit=PAGE_SIZE, cursor=after)
        return self.console.render(
            "operations/audit/list.html",
            request,
            rows=[action_row(action) for action in found.actions],
            addresses=Addresses(PATH, {}),
            cursor=after,
            next=found.next_page_token,
        )
