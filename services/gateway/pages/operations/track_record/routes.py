"""The page of the track record, and its tables as CSV."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from cachetools import LRUCache
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import csv_download
from services.gateway.pages.operations.track_record.view import (
    CONFIDENCE_HEADER,
    HEADER,
    cells,
    confidence_cells,
    track_record,
)
from services.gateway.upstream.clients import Jobs
from services.gateway.upstream.operations import Operations

PATH = "/ops/track-record"
CONFIDENCE_CSV = f"{PATH}/confidence.csv"


@dataclass(frozen=True)
class TrackRecordPages:
    """What forecasts said, and what came."""

    console: Console
    jobs: Jobs
    operations: Operations
    # By the answers of jobs, because drawing a year of all timeframes takes 60 ms. The same for every login.
    _drawn: LRUCache[tuple[bytes, bytes], Markup] = field(default_factory=lambda: LRUCache(2))

    async def page(self, request: Request) -> Response:
        """The whole page."""
        live = await self._live(request)
        view = View("Track record", "Track record", live, f"{PATH}/fragment")
        return self.console.respond(request, view)

    async def fragment(self, request: Request) -> Response:
        """The live part."""
        return self.console.fragment(await self._live(request))

    async def csv(self, request: Request) -> Response:
        """The weeks of each timeframe."""

        async def fetch(_after: str) -> tuple[list[list[object]], str]:
            return cells(await self.operations.track_record()), ""

        return await csv_download(request, "track-record", HEADER, fetch)

    async def confidence_csv(self, request: Request) -> Response:
        """How often directions came true, by their confidence."""

        async def fetch(_after: str) -> tuple[list[list[object]], str]:
            return confidence_cells(await self.operations.track_record()), ""

        return await csv_download(request, "confidence", CONFIDENCE_HEADER, fetch)

    async def _live(self, request: Request) -> Markup:
        trust, weekly = await asyncio.gather(self.jobs.trust_stats(), self.operations.track_record())
        key = trust.SerializeToString(), weekly.SerializeToString()
        if key not in self._drawn:
            self._drawn[key] = self.console.render(
                "operations/track_record/live.html",
                request,
                record=track_record(trust, weekly),
                csv=f"{PATH}.csv",
                confidence_csv=CONFIDENCE_CSV,
            )
        return self._drawn[key]
