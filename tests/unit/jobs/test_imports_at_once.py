"""Imports take turns, or fifty large ones at once would need more memory than a pod has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn
from unittest.mock import Mock

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.jobs.importer import ImportRequest
from services.jobs.ingest.table import Table
from services.jobs.servicer import JobsServicer
from tests.waiting import wait_until_async

AT_ONCE = 4
DATES = ("2026-01-04", "2026-01-11", "2026-01-18")
SERIES = pb.Series(terms=["amazon", "costco"], points=[pb.SeriesPoint(date=date, values=[1, 2]) for date in DATES])


class Done(Exception):
    """What is asked of it is done."""


class CountingImporter:
    """Waits until it is told to go on, and counts how many it has at once."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.taken = 0
        self.now = 0
        self.most = 0

    async def has(self, count: int) -> bool:
        return self.now >= count

    async def take(self, tables: Sequence[Table], request: ImportRequest) -> NoReturn:
        self.taken += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await self.go_on.wait()
        self.now -= 1
        raise Done


async def test_so_many_are_read_and_not_yet_stored_and_no_more() -> None:
    importer: Any = CountingImporter()  # of which the service needs no more
    others = ("comparisons", "queue", "listings", "record", "changes", "dispatcher", "sweeper")
    service = JobsServicer(importer=importer, dispatching=False, **{name: Mock() for name in others})
    request = pb.IngestSnapshotRequest(series=SERIES)
    calls = asyncio.gather(
        *(service.IngestSnapshot(request, Mock()) for _ in range(5 * AT_ONCE)), return_exceptions=True
    )
    await wait_until_async(partial(importer.has, AT_ONCE), 30, "as many as may are taken")
    with pytest.raises(AssertionError):
        await wait_until_async(partial(importer.has, AT_ONCE + 1), 0.3, "one more is taken")
    importer.go_on.set()
    assert all(isinstance(answer, Done) for answer in await calls)
    assert (importer.taken, importer.most) == (5 * AT_ONCE, AT_ONCE)
