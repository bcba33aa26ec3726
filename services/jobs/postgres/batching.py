"""Batches concurrent calls into one statement, without a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.common.errors import WarmcastError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MAX_BATCH = 500  # items


class Batcher(Generic[Item, Result]):
    """Sends the items that arrived during the last `send` as one batch: single items when idle, batches under load."""

    def __init__(self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        """`send` returns one result an item, in order; for a write, after the commit."""
        self._send = send
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def call(self, item: Item) -> Result:
        """The item's result. Raises the error of its batch.

        Cancelling the call does not remove its item: it may have been sent.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        return await done

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
            await self._send_batch(batch)

    async def _send_batch(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._send([item for item, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, WarmcastError):
                # Send the items one by one, so that only the faulty one fails.
                for each in batch:
                    await self._send_batch([each])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():
                    done.set_result(result)
