"""One connection for consecutive statements of one kind, such as claims."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import psycopg
from psycopg.rows import TupleRow, tuple_row

from services.jobs.postgres.driver.connection import OPTIONS, Connection, OnUnknownOutcome, configure, ignore
from services.jobs.postgres.driver.sqlstates import Failure, classify, outcome_unknown, translate_errors

_NOT_REUSABLE = (Failure.UNAVAILABLE, Failure.MISCONFIGURED)


async def _ignore_refusal(_error: psycopg.Error) -> None:
    """No other connections need replacing."""


class DedicatedConnection:
    """Connects on its first statement, and reconnects after a lost connection.

    Its statements do not wait for a pool under load, and reuse a server process with warm caches; a pool hands out the
    connection that was idle longest (docs/decisions/dedicated-connections.md).
    """

    def __init__(
        self, url: str, *, longest: float, on_refused: Callable[[psycopg.Error], Awaitable[object]] = _ignore_refusal
    ) -> None:
        """`longest`: seconds for a statement, including the wait for the ones before it.

        `on_refused` is called when the server refuses statements, so that other connections are useless too.
        """
        self._url = url
        self._on_refused = on_refused
        self._longest = longest
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def fetch_once(
        self, statement: str, parameters: Mapping[str, object], *, on_unknown_outcome: OnUnknownOutcome = ignore
    ) -> list[TupleRow]:
        """As Database.fetch_once."""
        with translate_errors():
            async with asyncio.timeout(self._longest), self._lock:
                is_new = self._connection is None or self._connection.closed
                try:
                    return await self._send(statement, parameters, on_unknown_outcome)
                except psycopg.Error as error:
                    # After a failover a new connection leads to the new primary. A refusal on a new one is final.
                    if is_new or outcome_unknown(error) or classify(error) not in _NOT_REUSABLE:
                        raise
                return await self._send(statement, parameters, on_unknown_outcome)

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _send(
        self, statement: str, parameters: Mapping[str, object], on_unknown_outcome: OnUnknownOutcome
    ) -> list[TupleRow]:
        connection = await self._connected()
        try:
            return await connection.rows(tuple_row, statement, parameters)
        except BaseException as error:
            if outcome_unknown(error):
                on_unknown_outcome()
            if isinstance(error, psycopg.Error) and classify(error) in _NOT_REUSABLE:
                await connection.close()
                if not outcome_unknown(error):
                    await self._on_refused(error)
            raise

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = None
            connection = await Connection.connect(self._url, **OPTIONS)
            await configure(connection)
            self._connection = connection
        return self._connection
