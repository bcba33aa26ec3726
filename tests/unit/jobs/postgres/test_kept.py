"""Values that are read at most every so often."""

from __future__ import annotations

import asyncio

import pytest

from services.jobs.postgres.reports.kept import Kept


class Source:
    """Counts how often it is read; fails while `broken`."""

    def __init__(self) -> None:
        self.reads = 0
        self.now = 100.0
        self.broken = False
        self.kept = Kept(self.read, seconds=2, now=lambda: self.now)

    async def read(self) -> int:
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError
        self.reads += 1
        return self.reads


async def test_a_value_is_read_once_for_all_that_wait_and_again_when_it_is_old() -> None:
    source = Source()
    assert await asyncio.gather(*(source.kept.get() for _ in range(5))) == [1] * 5
    source.now += 2
    assert await source.kept.get() == 1
    source.now += 0.1
    assert await asyncio.gather(*(source.kept.get() for _ in range(5))) == [2] * 5


async def test_an_error_is_not_kept() -> None:
    source = Source()
    source.broken = True
    with pytest.raises(ConnectionError):
        await source.kept.get()
    source.broken = False
    assert await source.kept.get() == 1
