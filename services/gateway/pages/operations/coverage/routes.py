"""The list of comparisons with the state of their forecasts, its live part, and the list as CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.pages.operations.coverage.coverage_map import PATH, STATES, coverage_map, is_capped
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
    """The list, below a map of all comparisons. Jobs keeps the counts of the map for some seconds."""

    console: Console
    jobs: Jobs
    operations: Operations

    async def page(self, request: Request) -> Response:
        """One page of comparisons, most popular first. What is wrong with the filter is said above its form."""
        given = read_filter(request.query_params, NAMES)
        addresses, after = Addresses(PATH, given), cursor(request.query_params)
        map_values, (list_values, wrong) = await asyncio.gather(self._map(given), self._checked(given, after))
        values = {**map_values, **list_values, "fields": fields(given), "error": wrong}
        main = self.console.render("operations/coverage/page.html", request, addresses=addresses, **values)
        fragment = "" if wrong else addresses.fragment(after)
        view = View("Comparisons", "Comparisons", main, fragment, script="ops-rows.js" if fragment else "")
        return self.console.respond(request, view, 400 if wrong else 200)

    async def fragment(self, request: Request) -> Response:
        """The map and the rows."""
        given = read_filter(request.query_params, NAMES)
        after = cursor(request.query_params)
        map_values, list_values = await asyncio.gather(self._map(given), self._list(given, after))
        values = {**map_values, **list_values, "addresses": Addresses(PATH, given)}
        return self.console.fragment(
            request, self.console.render("operations/coverage/fragment.html", request, **values)
        )

    async def csv(self, request: Request) -> Response:
        """All that match."""
        matching = coverage_filter(read_filter(request.query_params, NAMES))

        async def fetch(after: str) -> tuple[list[list[object]], str]:
            found = await self.operations.list_coverage(matching, limit=CSV_PAGE_SIZE, cursor=after)
            return [cells(covered) for covered in found.comparisons], found.next_page_token

        return await csv_download(request, "comparisons", HEADER, fetch)

    async def _map(self, given: Mapping[str, str]) -> dict[str, object]:
        """What the template of the map shows."""
        summary, trust = await asyncio.gather(self.operations.coverage_summary(), self.jobs.trust_stats())
        return {
            "map": coverage_map(summary, trust.total, given),
            "map_states": STATES,
            "map_capped": is_capped(summary),
            "engine_version": summary.engine_version,
        }

    async def _list(self, given: Mapping[str, str], after: str) -> dict[str, object]:
        """What the template of the list shows."""
        found = await self.operations.list_coverage(coverage_filter(given), limit=PAGE_SIZE, cursor=after)
        rows = [coverage_row(covered) for covered in found.comparisons]
        return {"rows": rows, "cursor": after, "next": found.next_page_token}

    async def _checked(self, given: Mapping[str, str], after: str) -> tuple[dict[str, object], str]:
        """The same, or what is wrong with the filter."""
        try:
            return await self._list(given, after), ""
        except WarmcastError as error:
            if error.reason is not errors.INVALID_ARGUMENT:
                raise
            return {}, error.detail
