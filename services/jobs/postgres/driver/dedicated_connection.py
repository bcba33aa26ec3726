"""One connection for statements of one kind that follow each other, such as claims."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import psycopg
from psycopg.rows import TupleRow, tuple_row

from services.jobs.postgres.driver.connection import OPTIONS, Connection, Lost, configure, ignored
from services.jobs.postgres.driver.sqlstates import Failure, classify, leaves_open, translated

_REPLACING = (Failure.UNAVAILABLE, Failure.MISCONFIGURED)  # a connection that failed so is not used again


async def _ignored(_error: psycopg.Error) -> None:
    """There are no other connections."""


class Lane:
    """Holds one connection from its first statement on, and makes another one when that is lost.

    No flood of calls keeps its statements waiting. They meet a process of the server that is warm from the last of
    them, where a pool gives out the connection that has been idle longest; and a pool takes its own share of each.
    """

    def __init__(
        self, url: str, *, longest: float, refused: Callable[[psycopg.Error], Awaitable[object]] = _ignored
    ) -> None:
        """`longest`: seconds for a statement, with the wait for those before it.

        `refused` is called when the server refuses a statement, so that other connections are of no use either.
        """
        self._url = url
        self._refused = refused
        self._longest = longest
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def fetch_once(
        self, statement: str, parameters: Mapping[str, object], *, lost: Lost = ignored
    ) -> list[TupleRow]:
        """As Database.fetch_once."""
        with translated():
            async with asyncio.timeout(self._longest), self._turn:
                is_new = self._connection is None or self._connection.closed
                try:
                    return await self._send(statement, parameters, lost)
                except psycopg.Error as error:
                    # After a failover the next connection finds the new primary. What a new one refuses stays refused.
                    if is_new or leaves_open(error) or classify(error) not in _REPLACING:
                        raise
                return await self._send(statement, parameters, lost)

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _send(self, statement: str, parameters: Mapping[str, object], lost: Lost) -> list[TupleRow]:
        connection = await self._connected()
        try:
            return await connection.rows(tuple_row, statement, parameters)
        except BaseException as error:
            if leaves_open(error):
                lost()
            if isinstance(error, psycopg.Error) and classify(error) in _REPLACING:
                await connection.close()
                if not leaves_open(error):
                    await self._refused(error)
            raise

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = None
            connection = await Connection.connect(self._url, **OPTIONS)
            await configure(connection)
            self._connection = connection
        return self._connection
