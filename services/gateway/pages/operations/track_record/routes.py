"""The page of the track record, and its weeks as CSV."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import csv_download
from services.gateway.pages.operations.track_record.view import HEADER, cells, track_record
from services.gateway.upstream.clients import Jobs
from services.gateway.upstream.operations import Operations

PATH = "/ops/track-record"


@dataclass(frozen=True)
class TrackRecordPages:
    """Scores change once a day at most: the page has no live part."""

    console: Console
    jobs: Jobs
    operations: Operations

    async def page(self, request: Request) -> Response:
        """What forecasts said, and what came."""
        trust, weekly = await asyncio.gather(self.jobs.trust_stats(), self.operations.track_record())
        main = self.console.render(
            "operations/track_record/page.html", request, record=track_record(trust, weekly), csv=f"{PATH}.csv"
        )
        return self.console.respond(request, View("Track record", "Track record", main, script=""))

    async def csv(self, request: Request) -> Response:
        """The weeks of each timeframe."""

        async def fetch(_after: str) -> tuple[list[list[object]], str]:
            return cells(await self.operations.track_record()), ""

        return await csv_download(request, "track-record", HEADER, fetch)
