"""Calls that come at the same time share one statement, and none waits for a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.common.errors import WarmcastError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 500  # items in one call


class Coalescer(Generic[Item, Result]):
    """Hands `send` whatever came in while its last call was on its way: alone at rest, in groups under load."""

    def __init__(self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        """`send` answers with one result an item, in order; for a write, once they are committed together."""
        self._send = send
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def call(self, item: Item) -> Result:
        """The item's result; raises what made it fail.

        A caller that is cancelled meanwhile does not take its item back: it may be on its way.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        return await done

    async def _send_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            await self._send_group(group)

    async def _send_group(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._send([item for item, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, WarmcastError):
                # One item that fails must not take the others with it.
                for each in group:
                    await self._send_group([each])
                return
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_, done), result in zip(group, results, strict=True):
                if not done.done():
                    done.set_result(result)
