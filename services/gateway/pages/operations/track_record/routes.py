"""The page of the track record, and its tables as CSV."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import csv_download
from services.gateway.pages.operations.track_record.view import (
    CONFIDENCE_HEADER,
    HEADER,
    TrackRecord,
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
    """Scores change once a day at most: the page has no live part."""

    console: Console
    jobs: Jobs
    operations: Operations
    # By the answers of jobs, because drawing a year of all timeframes takes 60 ms.
    _drawn: LRUCache[tuple[bytes, bytes], TrackRecord | None] = field(default_factory=lambda: LRUCache(2))

    async def page(self, request: Request) -> Response:
        """What forecasts said, and what came."""
        trust, weekly = await asyncio.gather(self.jobs.trust_stats(), self.operations.track_record())
        key = trust.SerializeToString(), weekly.SerializeToString()
        if key not in self._drawn:
            self._drawn[key] = track_record(trust, weekly)
        main = self.console.render(
            "operations/track_record/page.html",
            request,
            record=self._drawn[key],
            csv=f"{PATH}.csv",
            confidence_csv=CONFIDENCE_CSV,
        )
        return self.console.respond(request, View("Track record", "Track record", main, script=""))

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
