"""A bounded pool of connections to PostgreSQL, and dedicated connections beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.rows import AsyncRowFactory, DictRow, TupleRow, dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from services.common.runtime.backoff import Backoff
from services.jobs.postgres.driver.connection import (
    OPTIONS,
    Connection,
    OnUnknownOutcome,
    Row,
    configure,
    ignore,
    prefer_primary,
)
from services.jobs.postgres.driver.dedicated_connection import DedicatedConnection
from services.jobs.postgres.driver.retries import retry
from services.jobs.postgres.driver.sqlstates import Failure, classify, outcome_unknown, translate_errors

# Errors of the pool itself, after which its connections may be good.
_NONE_FREE = (PoolTimeout, TooManyRequests, PoolClosed)
# Between two replacements of all connections while a server refuses statements: each write to a read-only server fails,
# and a new pool each time would be most of its load.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0  # seconds
_CALM = 10.0  # seconds without a refusal, after which the pauses start again from the shortest
Result = TypeVar("Result")
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it out


class Database:
    """The connections of the stores. Every method raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable.

    `on_unknown_outcome` is called when a statement may have run but its response was lost, also if it is then retried.
    """

    def __init__(self, url: str, *, pool_size: int, wait: float = 1.0, longest: float = 10.0) -> None:
        """`wait`: seconds for a free connection; shorter than the callers' deadlines, so that they get its error.

        `longest`: seconds for a statement or a transaction, also while the server is silent.
        """
        self._url = url = prefer_primary(url)
        self._longest = longest
        self._pauses = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._replace_after = 0.0  # by the monotonic clock
        self._dedicated: list[DedicatedConnection] = []
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            kwargs=OPTIONS,
            # All connections from the start: a new one needs 25 ms of both processes to prepare its statements, while
            # calls wait for it.
            min_size=pool_size,
            max_size=pool_size,
            connection_class=Connection,
            max_waiting=1000,
            timeout=wait,
            reconnect_timeout=10,
            configure=configure,
            open=False,
        )

    def dedicated_connection(self) -> DedicatedConnection:
        """A connection beside the pool; closed with this database."""
        connection = DedicatedConnection(self._url, longest=self._longest, on_refused=self._replace_connections)
        self._dedicated.append(connection)
        return connection

    async def open(self) -> None:
        """Starts connecting in the background; does not wait for a server."""
        await self._pool.open(wait=False)

    async def reconnect(self) -> None:
        """Replaces all connections, because new ones may lead to another server or have other settings.

        Does nothing while the last replacement is recent.
        """
        if self._may_replace() and not self._pool.closed:
            await self._pool.drain()

    async def close(self) -> None:
        """Closes all connections."""
        for connection in self._dedicated:
            await connection.close()
        await self._pool.close()

    async def fetch(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        on_unknown_outcome: OnUnknownOutcome = ignore,
    ) -> list[DictRow]:
        """All rows of one statement, as dicts. Retried on another connection if the first one was unusable."""
        return await self._send(
            lambda: self._fetch(dict_row, statement, parameters, on_unknown_outcome), repeatable=True
        )

    async def fetch_once(
        self, statement: str, parameters: Mapping[str, object], *, on_unknown_outcome: OnUnknownOutcome = ignore
    ) -> list[TupleRow]:
        """All rows of one statement that must not run twice, as tuples, which cost less than dicts."""
        return await self._send(
            lambda: self._fetch(tuple_row, statement, parameters, on_unknown_outcome), repeatable=False
        )

    async def select(self, query: Select[Any]) -> list[DictRow]:
        """The rows of a query built with SQLAlchemy, as dicts."""
        return await self.fetch(*compiled(query))

    @asynccontextmanager
    async def transaction(
        self, *, on_unknown_outcome: OnUnknownOutcome = ignore, longest: float | None = None
    ) -> AsyncIterator[Connection]:
        """A connection in a transaction, which commits at the end of the block. `longest` overrides the default."""
        with translate_errors():
            async with self._transaction(on_unknown_outcome, longest) as connection:
                yield connection

    async def transact(
        self,
        work: Callable[[Connection], Awaitable[Result]],
        *,
        on_unknown_outcome: OnUnknownOutcome = ignore,
        longest: float | None = None,
    ) -> Result:
        """The result of `work` in a transaction; retried if that failed and was rolled back."""

        async def once() -> Result:
            async with self._transaction(on_unknown_outcome, longest) as connection:
                return await work(connection)

        with translate_errors():
            return await retry(once, lambda error: classify(error) is not Failure.BUG and not outcome_unknown(error))

    @asynccontextmanager
    async def _transaction(
        self, on_unknown_outcome: OnUnknownOutcome, longest: float | None
    ) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(longest or self._longest), self._pool.connection() as connection:
                try:
                    async with connection.transaction():
                        yield connection
                except BaseException as error:
                    if outcome_unknown(error):
                        on_unknown_outcome()
                    raise
        except _NONE_FREE:
            raise
        except (psycopg.Error, TimeoutError) as error:
            await self._replace_connections(error)
            raise

    async def revision(self) -> str:
        """The schema's revision; empty if there is no schema yet."""
        if not (await self.fetch("SELECT to_regclass('alembic_version') AS name"))[0]["name"]:
            return ""
        rows = await self.fetch("SELECT version_num FROM alembic_version")
        return rows[0]["version_num"] if rows else ""

    async def _send(self, send: Callable[[], Awaitable[list[Row]]], *, repeatable: bool) -> list[Row]:
        """The result of `send`. `repeatable`: it may be retried although its outcome is unknown."""
        with translate_errors():
            try:
                return await send()
            except _NONE_FREE:
                raise
            except (psycopg.Error, TimeoutError) as error:
                replaced = await self._replace_connections(error)
                if not replaced or isinstance(error, TimeoutError) or (outcome_unknown(error) and not repeatable):
                    raise
                return await send()

    async def _replace_connections(self, error: psycopg.Error | TimeoutError) -> bool:
        """Replaces all connections if the error means that they are all unusable; returns whether it did."""
        if isinstance(error, psycopg.Error):
            if classify(error) not in (Failure.UNAVAILABLE, Failure.MISCONFIGURED):
                return False
            if not outcome_unknown(error) and not self._may_replace():
                return False
        if self._pool.closed:
            return False
        # After a restart of the server or of a firewall all idle connections are dead, and after a failover they lead
        # to the old primary. Each would fail one call. They are not checked, since a silent one would not respond.
        await self._pool.drain()
        return True

    def _may_replace(self) -> bool:
        now = time.monotonic()
        if now < self._replace_after:
            return False
        if now > self._replace_after + _CALM:
            self._pauses.reset()
        self._replace_after = now + self._pauses.next()
        return True

    async def _fetch(
        self,
        row_factory: AsyncRowFactory[Row],
        statement: str,
        parameters: Mapping[str, object] | None,
        on_unknown_outcome: OnUnknownOutcome,
    ) -> list[Row]:
        async with asyncio.timeout(self._longest):
            # Not `with pool.connection()`: its commit takes half of the pool's time, and autocommit needs none.
            connection = await self._pool.getconn()
            try:
                return await connection.rows(row_factory, statement, parameters)
            except BaseException as error:
                if outcome_unknown(error):
                    on_unknown_outcome()
                raise
            finally:
                await self._pool.putconn(connection)


def compiled(query: Select[Any]) -> tuple[str, dict[str, object]]:
    """The statement of a query built with SQLAlchemy, and its parameters."""
    result = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(result), dict(result.params)
