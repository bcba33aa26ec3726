"""Batches simultaneous calls into one, without a timer while nothing is in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.common import errors
from services.common.errors import WarmcastError

Item = TypeVar("Item")
Result = TypeVar("Result")


def is_outage(error: Exception) -> bool:
    """Whether the failure is the service's, so that no single item of the batch can be its cause."""
    return isinstance(error, WarmcastError) and error.reason in (
        errors.UNAVAILABLE,
        errors.DEADLINE_EXCEEDED,
        errors.BUSY,
    )


@dataclass(frozen=True)
class _Pending(Generic[Item, Result]):
    item: Item
    result: asyncio.Future[Result]
    context: Context


class Batcher(Generic[Item, Result]):
    """Sends at once all items of one turn of the event loop; while a call is in flight, new items wait for its end.

    An item waits at most `max_wait` seconds, so that a slow call does not delay the others; then calls overlap. Without
    `max_wait` there is one call at a time.

    A batch of one uses `send_one`. When a batch fails, each of its items is sent again alone, so that an invalid item
    does not fail the others; unless `fails_whole_batch` says that the failure concerns all of them.

    A call for a batch runs in the context (request id, trace) of its first item, a call for one item in its own.
    """

    def __init__(
        self,
        send_one: Callable[[Item], Awaitable[Result]],
        send_batch: Callable[[Sequence[Item]], Awaitable[Sequence[Result | None]]],
        *,
        max_batch: int,
        max_wait: float | None = None,
        fails_whole_batch: Callable[[Exception], bool] = is_outage,
    ) -> None:
        """`send_batch` returns one result an item, in order; None for an item that is to be sent again alone."""
        self._send_one = send_one
        self._send_batch = send_batch
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._fails_whole_batch = fails_whole_batch
        self._waiting: list[_Pending[Item, Result]] = []
        self._scheduled: asyncio.Handle | None = None
        self._in_flight: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        """The item's result. Raises what `send_one` or `send_batch` raises.

        A caller that is cancelled does not withdraw its item, which may already be sent.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        self._waiting.append(_Pending(item, result, copy_context()))
        if self._scheduled is None:
            if not self._in_flight:
                self._scheduled = loop.call_soon(self._start_calls)
            elif self._max_wait is not None:
                self._scheduled = loop.call_later(self._max_wait, self._start_calls)
        return await result

    def _start_calls(self) -> None:
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        while self._waiting and not (self._in_flight and self._max_wait is None):
            batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
            call = asyncio.get_running_loop().create_task(self._send(batch), context=batch[0].context)
            self._in_flight.add(call)
            call.add_done_callback(self._call_ended)

    def _call_ended(self, call: asyncio.Task[None]) -> None:
        self._in_flight.discard(call)
        if self._waiting:
            self._start_calls()

    async def _send(self, batch: Sequence[_Pending[Item, Result]]) -> None:
        results: Sequence[Result | None] = []
        if len(batch) > 1:
            try:
                results = await self._send_batch([pending.item for pending in batch])
            except Exception as error:
                if self._fails_whole_batch(error):
                    for pending in batch:
                        _settle(pending.result, error)
                    return
        if len(results) != len(batch):
            results = [None] * len(batch)
        unanswered = []
        for pending, result in zip(batch, results, strict=True):
            if result is None:
                unanswered.append(pending)
            else:
                _settle(pending.result, result)
        await self._send_each(unanswered)

    async def _send_each(self, batch: Sequence[_Pending[Item, Result]]) -> None:
        loop = asyncio.get_running_loop()
        if self._max_wait is None:
            for pending in batch:
                await loop.create_task(self._send_alone(pending), context=pending.context)
        elif batch:
            calls = [loop.create_task(self._send_alone(pending), context=pending.context) for pending in batch]
            await asyncio.gather(*calls)

    async def _send_alone(self, pending: _Pending[Item, Result]) -> None:
        try:
            result = await self._send_one(pending.item)
        except Exception as error:
            _settle(pending.result, error)
        else:
            _settle(pending.result, result)


def _settle(future: asyncio.Future[Result], outcome: Result | Exception) -> None:
    if future.done():  # its caller was cancelled
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
