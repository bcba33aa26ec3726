"""Calls in groups: none is delayed, none is lost, and one that fails takes no other with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres.batching import Batcher


async def test_what_comes_during_a_write_shares_the_next() -> None:
    groups: list[list[int]] = []
    first_is_written = asyncio.Event()

    async def write(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        if len(groups) == 1:
            await first_is_written.wait()
        return [item * 10 for item in items]

    batcher = Batcher(write)
    first = asyncio.create_task(batcher.call(1))
    await asyncio.sleep(0)
    others = [asyncio.create_task(batcher.call(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    first_is_written.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30, 40]
    assert groups == [[1], [2, 3, 4]]


async def test_an_item_that_cannot_be_written_fails_alone() -> None:
    async def write(items: Sequence[int]) -> list[int]:
        if 13 in items:
            raise ValueError("13")
        return list(items)

    batcher = Batcher(write)
    results = await asyncio.gather(*(batcher.call(number) for number in (12, 13, 14)), return_exceptions=True)
    assert [results[0], results[2]] == [12, 14]
    assert isinstance(results[1], ValueError)


async def test_a_store_that_cannot_be_asked_is_told_to_all_at_once() -> None:
    calls = 0

    async def write(items: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        raise WarmcastError(errors.UNAVAILABLE, "away")

    batcher = Batcher(write)
    tasks = [asyncio.create_task(batcher.call(number)) for number in range(5)]
    for task in tasks:
        with pytest.raises(WarmcastError, match="away"):
            await task
    assert calls == 1


async def test_a_caller_that_leaves_holds_up_nobody() -> None:
    go = asyncio.Event()

    async def write(items: Sequence[int]) -> list[int]:
        await go.wait()
        return list(items)

    batcher = Batcher(write)
    leaver, stayer = (asyncio.create_task(batcher.call(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaver.cancel()
    go.set()
    assert await stayer == 2
