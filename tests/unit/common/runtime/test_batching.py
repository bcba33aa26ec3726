"""Batching: no item waits long, none is lost, and a failing item does not fail the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.runtime.batching import Batcher

LONG = 60.0  # seconds; longer than any test
caller: ContextVar[int] = ContextVar("caller", default=0)


class Server:
    """Returns ten times each item; records the batches, and the caller of each call."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.callers: list[int] = []
        self.called = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.fails: Callable[[Sequence[int]], Exception | None] = lambda items: None
        self.unknown: set[int] = set()

    async def send_one(self, item: int) -> int:
        """A call for one item."""
        await self._receive([item])
        return 10 * item

    async def send_batch(self, items: Sequence[int]) -> list[int | None]:
        """A call for a batch."""
        await self._receive(items)
        return [None if item in self.unknown else 10 * item for item in items]

    def batcher(self, *, max_batch: int = 100, max_wait: float = LONG) -> Batcher[int, int]:
        """A batcher that calls this server."""
        return Batcher(self.send_one, self.send_batch, max_batch=max_batch, max_wait=max_wait)

    async def _receive(self, items: Sequence[int]) -> None:
        self.batches.append(list(items))
        self.callers.append(caller.get())
        self.called.set()
        await self.go.wait()
        if failure := self.fails(items):
            raise failure


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_items_of_one_turn_are_sent_as_one_batch() -> None:
    server = Server()
    batcher = server.batcher()
    assert await asyncio.gather(*(batcher.submit(number) for number in (1, 2, 3))) == [10, 20, 30]
    assert server.batches == [[1, 2, 3]]


async def test_a_single_item_uses_the_call_for_one() -> None:
    server = Server()
    server.unknown = {1}  # a batch call would return None for it
    assert await server.batcher().submit(1) == 10
    assert server.batches == [[1]]


async def test_items_during_a_call_share_the_next_call() -> None:
    server = Server()
    server.go.clear()
    batcher = server.batcher()
    first = asyncio.create_task(batcher.submit(1))
    await _settle()
    others = [asyncio.create_task(batcher.submit(number)) for number in (2, 3)]
    await _settle()
    assert server.batches == [[1]]
    server.go.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30]
    assert server.batches == [[1], [2, 3]]


async def test_a_slow_call_delays_later_items_at_most_max_wait() -> None:
    server = Server()
    server.go.clear()
    batcher = server.batcher(max_wait=0.01)
    slow = asyncio.create_task(batcher.submit(1))
    await _settle()
    server.batches.clear()
    server.called.clear()
    later = asyncio.create_task(batcher.submit(2))
    await _settle()
    assert not server.batches, "the item waits first"
    async with asyncio.timeout(10):
        await server.called.wait()
    assert server.batches == [[2]]
    assert not slow.done()
    server.go.set()
    assert [await slow, await later] == [10, 20]


async def test_more_than_max_batch_items_use_several_calls() -> None:
    server = Server()
    batcher = server.batcher(max_batch=2)
    assert await asyncio.gather(*(batcher.submit(number) for number in range(5))) == [0, 10, 20, 30, 40]
    assert server.batches == [[0, 1], [2, 3], [4]]


async def test_an_item_that_is_sent_again_alone_uses_its_own_context() -> None:
    server = Server()
    server.unknown = {2}
    batcher = server.batcher()

    async def submit(number: int) -> int:
        caller.set(number)
        return await batcher.submit(number)

    assert await asyncio.gather(*(submit(number) for number in (1, 2, 3))) == [10, 20, 30]
    assert server.batches == [[1, 2, 3], [2]]
    assert server.callers == [1, 2]


async def test_an_item_without_a_result_is_sent_again_alone() -> None:
    server = Server()
    server.unknown = {2}
    server.fails = lambda items: WarmcastError(errors.NOT_FOUND, "no 2") if items == [2] else None
    batcher = server.batcher()
    results = await asyncio.gather(*(batcher.submit(number) for number in (1, 2, 3)), return_exceptions=True)
    assert [results[0], results[2]] == [10, 30]
    assert isinstance(results[1], WarmcastError)
    assert results[1].reason is errors.NOT_FOUND
    assert server.batches == [[1, 2, 3], [2]]


async def test_an_incomplete_batch_result_is_discarded() -> None:
    server = Server()

    async def send_batch(items: Sequence[int]) -> list[int | None]:
        return [10]

    batcher = Batcher(server.send_one, send_batch, max_batch=100, max_wait=LONG)
    assert await asyncio.gather(*(batcher.submit(number) for number in (1, 2))) == [10, 20]
    assert server.batches == [[1], [2]]


@pytest.mark.parametrize(
    "failure", [WarmcastError(errors.INVALID_ARGUMENT, "13"), WarmcastError(errors.INTERNAL, "13"), ValueError("13")]
)
async def test_a_failing_item_does_not_fail_the_others(failure: Exception) -> None:
    server = Server()
    server.fails = lambda items: failure if 13 in items else None
    batcher = server.batcher()
    results = await asyncio.gather(*(batcher.submit(number) for number in (12, 13, 14)), return_exceptions=True)
    assert results == [120, failure, 140]


@pytest.mark.parametrize("reason", [errors.UNAVAILABLE, errors.DEADLINE_EXCEEDED, errors.BUSY])
async def test_an_outage_fails_the_whole_batch_after_one_call(reason: errors.Reason) -> None:
    server = Server()
    outage = WarmcastError(reason, "unavailable")
    server.fails = lambda items: outage
    batcher = server.batcher()
    results = await asyncio.gather(*(batcher.submit(number) for number in range(5)), return_exceptions=True)
    assert results == [outage] * 5
    assert len(server.batches) == 1


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    server = Server()
    server.go.clear()
    batcher = server.batcher()
    cancelled, other = (asyncio.create_task(batcher.submit(number)) for number in (1, 2))
    await _settle()
    cancelled.cancel()
    await _settle()
    server.go.set()
    assert await other == 20


async def test_a_batch_uses_the_context_of_its_first_item() -> None:
    server = Server()
    server.go.clear()
    batcher = server.batcher()

    async def submit(number: int) -> int:
        caller.set(number)
        return await batcher.submit(number)

    tasks = [asyncio.create_task(submit(1))]
    await _settle()
    tasks += [asyncio.create_task(submit(number)) for number in (2, 3)]
    await _settle()
    server.go.set()
    await asyncio.gather(*tasks)
    assert server.callers == [1, 2]


def _one_call_at_a_time(write: Callable[[Sequence[int]], Awaitable[Sequence[int]]]) -> Batcher[int, int]:
    async def write_one(item: int) -> int:
        (result,) = await write([item])
        return result

    return Batcher(write_one, write, max_batch=100)


async def test_without_max_wait_calls_do_not_overlap() -> None:
    batches: list[list[int]] = []
    first_is_written = asyncio.Event()

    async def write(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        if len(batches) == 1:
            await first_is_written.wait()
        return [item * 10 for item in items]

    batcher = _one_call_at_a_time(write)
    first = asyncio.create_task(batcher.submit(1))
    await _settle()
    others = [asyncio.create_task(batcher.submit(number)) for number in (2, 3, 4)]
    await _settle()
    first_is_written.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30, 40]
    assert batches == [[1], [2, 3, 4]]


async def test_without_max_wait_a_failing_item_does_not_fail_the_others() -> None:
    async def write(items: Sequence[int]) -> list[int]:
        if 13 in items:
            raise ValueError("13")
        return list(items)

    batcher = _one_call_at_a_time(write)
    results = await asyncio.gather(*(batcher.submit(number) for number in (12, 13, 14)), return_exceptions=True)
    assert [results[0], results[2]] == [12, 14]
    assert isinstance(results[1], ValueError)


async def test_without_max_wait_an_outage_fails_the_whole_batch_after_one_call() -> None:
    calls = 0

    async def write(items: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        raise WarmcastError(errors.UNAVAILABLE, "unavailable")

    batcher = _one_call_at_a_time(write)
    tasks = [asyncio.create_task(batcher.submit(number)) for number in range(5)]
    for task in tasks:
        with pytest.raises(WarmcastError, match="unavailable"):
            await task
    assert calls == 1


async def test_without_max_wait_a_cancelled_caller_does_not_affect_the_others() -> None:
    go = asyncio.Event()

    async def write(items: Sequence[int]) -> list[int]:
        await go.wait()
        return list(items)

    batcher = _one_call_at_a_time(write)
    cancelled, other = (asyncio.create_task(batcher.submit(number)) for number in (1, 2))
    await _settle()
    cancelled.cancel()
    go.set()
    assert await other == 2
