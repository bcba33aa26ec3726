"""The page of the track record, and its tables as CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetools import LRUCache
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import Addresses, csv_download, read_filter
from services.gateway.pages.operations.track_record.filter import NAMES, fields, selected
from services.gateway.pages.operations.track_record.tables import CONFIDENCE_HEADER, HEADER, cells, confidence_cells
from services.gateway.pages.operations.track_record.view import PATH, SHARES, track_record
from services.gateway.upstream.clients import Jobs
from services.gateway.upstream.operations import Operations

CONFIDENCE_CSV = f"{PATH}/confidence.csv"


@dataclass(frozen=True)
class TrackRecordPages:
    """What forecasts said, and what came."""

    console: Console
    jobs: Jobs
    operations: Operations
    # By the filter and the answers of jobs, because drawing takes tens of milliseconds. The same for every login.
    _drawn: LRUCache[tuple[object, ...], Markup] = field(default_factory=lambda: LRUCache(8))

    async def page(self, request: Request) -> Response:
        """The whole page. What is wrong with the filter is said above its form."""
        given = read_filter(request.query_params, NAMES)
        addresses = Addresses(PATH, given)
        wrong = ""
        try:
            live, engine_versions = await self._live(request, given)
        except WarmcastError as error:
            if error.reason is not errors.INVALID_ARGUMENT:
                raise
            live, engine_versions, wrong = Markup(), (), error.detail
        main = self.console.render(
            "operations/track_record/page.html",
            request,
            addresses=addresses,
            fields=fields(given, engine_versions),
            error=wrong,
            live=live,
        )
        view = View("Track record", "Track record", main, "" if wrong else addresses.fragment())
        return self.console.respond(request, view, 400 if wrong else 200)

    async def fragment(self, request: Request) -> Response:
        """The live part."""
        live, _ = await self._live(request, read_filter(request.query_params, NAMES))
        return self.console.fragment(request, live)

    async def csv(self, request: Request) -> Response:
        """The weeks of each timeframe."""
        record, engine_version = await self._selected(request)

        async def fetch(_after: str) -> tuple[list[list[object]], str]:
            return cells(record, engine_version), ""

        return await csv_download(request, "track-record", HEADER, fetch)

    async def confidence_csv(self, request: Request) -> Response:
        """How often directions came true, by their confidence."""
        record, engine_version = await self._selected(request)

        async def fetch(_after: str) -> tuple[list[list[object]], str]:
            return confidence_cells(record, engine_version), ""

        return await csv_download(request, "confidence", CONFIDENCE_HEADER, fetch)

    async def _selected(self, request: Request) -> tuple[operations_pb2.GetTrackRecordResponse, str]:
        timeframe, engine_version = selected(read_filter(request.query_params, NAMES))
        return await self.operations.track_record(timeframe, engine_version), engine_version

    async def _live(self, request: Request, given: Mapping[str, str]) -> tuple[Markup, tuple[str, ...]]:
        """The live part, and the engine versions that can be selected."""
        timeframe, engine_version = selected(given)
        given = {**given, "tf": timeframe} if timeframe else given
        trust, record = await asyncio.gather(
            self.jobs.trust_stats(), self.operations.track_record(timeframe, engine_version)
        )
        ever = trust.total.overall.forecasts
        key = (timeframe, engine_version, ever, record.SerializeToString())
        if key not in self._drawn:
            self._drawn[key] = self.console.render(
                "operations/track_record/live.html",
                request,
                record=track_record(record, given),
                ever=ever,
                shares=SHARES,
                addresses=Addresses(PATH, given),
                confidence_csv=Addresses(f"{PATH}/confidence", given).csv,
            )
        return self._drawn[key], tuple(record.engine_versions)
