"""The number of concurrent imports is limited: fifty large ones would need more memory than a pod has."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn
from unittest.mock import Mock

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.jobs.application.importer import ImportRequest
from services.jobs.domain.operations import Actor
from services.jobs.ingest.table import Table
from services.jobs.rpc import requests
from services.jobs.rpc.servicer import JobsServicer
from tests.waiting import wait_until_async

AT_ONCE = 4
DATES = ("2026-01-04", "2026-01-11", "2026-01-18")
SERIES = pb.Series(terms=["amazon", "costco"], points=[pb.SeriesPoint(date=date, values=[1, 2]) for date in DATES])
REQUEST = pb.IngestSnapshotRequest(series=SERIES)
CALLER = Mock(invocation_metadata=Mock(return_value=()))


class Done(Exception):
    """Ends an import."""


class CountingImporter:
    """Blocks until `go_on`, and counts concurrent imports."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.started = 0
        self.now = 0
        self.highest = 0

    async def has(self, count: int) -> bool:
        return self.now >= count

    async def ingest(self, tables: Sequence[Table], request: ImportRequest, actor: Actor) -> NoReturn:
        self.started += 1
        self.now += 1
        self.highest = max(self.highest, self.now)
        await self.go_on.wait()
        self.now -= 1
        raise Done


class CountingReader:
    """Blocks until `go_on`, and counts concurrent reads."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self._lock = threading.Lock()
        self.highest = 0

    async def has(self, count: int) -> bool:
        return self.highest >= count

    def __call__(self, request: pb.IngestSnapshotRequest) -> list[Table]:
        with self._lock:
            self.highest += 1
        self.go_on.wait(60)
        return []


def create(importer: object) -> JobsServicer:
    """A servicer with an importer and nothing else."""
    others = (
        "comparisons",
        "enqueuer",
        "listings",
        "search",
        "record",
        "retention",
        "change_feed",
        "dispatcher",
        "refresher",
        "sweeper",
        "schedules",
    )
    rest: dict[str, Any] = {name: Mock() for name in others}
    return JobsServicer(importer=importer, dispatching=False, **rest)  # type: ignore[arg-type]  # only the importer is used


async def test_the_number_of_concurrent_imports_is_limited() -> None:
    importer = CountingImporter()
    service = create(importer)
    calls = asyncio.gather(
        *(service.IngestSnapshot(REQUEST, CALLER) for _ in range(5 * AT_ONCE)), return_exceptions=True
    )
    await wait_until_async(partial(importer.has, AT_ONCE), 30, "all slots are used")
    with pytest.raises(AssertionError):
        await wait_until_async(partial(importer.has, AT_ONCE + 1), 0.3, "an import above the limit")
    importer.go_on.set()
    assert all(isinstance(answer, Done) for answer in await calls)
    assert (importer.started, importer.highest) == (5 * AT_ONCE, AT_ONCE)


async def test_a_caller_that_disconnects_during_parsing_frees_no_parser_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = CountingReader()
    monkeypatch.setattr(requests, "read_tables", reading)
    service = create(importer=Mock())

    async def full() -> bool:
        return service._imports.locked()

    try:
        for _ in range(3):
            calls = [asyncio.create_task(service.IngestSnapshot(REQUEST, CALLER)) for _ in range(2 * AT_ONCE)]
            await wait_until_async(full, 30, "all slots are used")
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(AssertionError):
            await wait_until_async(partial(reading.has, AT_ONCE + 1), 0.3, "a read above the limit")
        assert reading.highest == AT_ONCE
    finally:
        reading.go_on.set()
