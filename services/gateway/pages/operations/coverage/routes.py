"""The list of comparisons with the state of their forecasts, its live part, and the list as CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.pages.operations.coverage.coverage_map import PATH, coverage_map, is_capped
from services.gateway.pages.operations.coverage.filter import NAMES, coverage_filter, fields
from services.gateway.pages.operations.coverage.view import HEADER, cells, coverage_row
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import (
    CSV_PAGE_SIZE,
    PAGE_SIZE,
    Addresses,
    csv_download,
    read_filter,
)
from services.gateway.routes.requests.parameters import cursor
from services.gateway.upstream.clients import Jobs
from services.gateway.upstream.operations import Operations


@dataclass(frozen=True)
class CoveragePages:
    """The list. The map above it is not live, since it counts all comparisons."""

    console: Console
    jobs: Jobs
    operations: Operations

    async def page(self, request: Request) -> Response:
        """One page of comparisons, most popular first. What is wrong with the filter is said above its form."""
        given = read_filter(request.query_params, NAMES)
        addresses, after = Addresses(PATH, given), cursor(request.query_params)
        summary, trust, (live, wrong) = await asyncio.gather(
            self.operations.coverage_summary(), self.jobs.trust_stats(), self._checked(request, given, after)
        )
        before = self.console.render(
            "operations/coverage/before.html",
            request,
            map=coverage_map(summary, trust.total, given),
            map_capped=is_capped(summary),
            addresses=addresses,
            fields=fields(given),
            error=wrong,
        )
        fragment = "" if wrong else addresses.fragment(after)
        script = "ops-rows.js" if fragment else ""
        view = View("Comparisons", "Comparisons", live, fragment, before=before, script=script)
        return self.console.respond(request, view, 400 if wrong else 200)

    async def fragment(self, request: Request) -> Response:
        """The rows alone."""
        given = read_filter(request.query_params, NAMES)
        return self.console.fragment(await self._live(request, given, cursor(request.query_params)))

    async def csv(self, request: Request) -> Response:
        """All that match."""
        matching = coverage_filter(read_filter(request.query_params, NAMES))

        async def fetch(after: str) -> tuple[list[list[object]], str]:
            found = await self.operations.list_coverage(matching, limit=CSV_PAGE_SIZE, cursor=after)
            return [cells(covered) for covered in found.comparisons], found.next_page_token

        return await csv_download(request, "comparisons", HEADER, fetch)

    async def _checked(self, request: Request, given: Mapping[str, str], after: str) -> tuple[Markup, str]:
        """The rows, or what is wrong with the filter."""
        try:
            return await self._live(request, given, after), ""
        except WarmcastError as error:
            if error.reason is not errors.INVALID_ARGUMENT:
                raise
            return Markup(), error.detail

    async def _live(self, request: Request, given: Mapping[str, str], after: str) -> Markup:
        found = await self.operations.list_coverage(coverage_filter(given), limit=PAGE_SIZE, cursor=after)
        return self.console.render(
            "operations/coverage/list.html",
            request,
            rows=[coverage_row(covered) for covered in found.comparisons],
            addresses=Addresses(PATH, given),
            cursor=after,
            next=found.next_page_token,
        )
