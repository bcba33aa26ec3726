"""Writes that come at the same time share one transaction, and none waits for a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.common.errors import WarmcastError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 500  # items in one transaction


class GroupCommit(Generic[Item, Result]):
    """Hands `write` whatever came in while its last call was on its way: alone at rest, in groups under load."""

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, item: Item) -> Result:
        """Returns once the transaction that holds the item is committed; raises what made it fail.

        A caller that is cancelled meanwhile does not take its item back: it may be on its way.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await done

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            await self._write_group(group)

    async def _write_group(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, WarmcastError):
                # One item that cannot be written must not take the others with it.
                for each in group:
                    await self._write_group([each])
                return
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_, done), result in zip(group, results, strict=True):
                if not done.done():
                    done.set_result(result)
