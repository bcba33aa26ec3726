"""PostgreSQL as the stores use it: a bounded pool of connections, and lanes beside it."""

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
from services.jobs.postgres.driver.connection import OPTIONS, Connection, Lost, Row, configure, ignored, primary_first
from services.jobs.postgres.driver.dedicated_connection import Lane
from services.jobs.postgres.driver.retries import retried
from services.jobs.postgres.driver.sqlstates import Failure, classify, leaves_open, translated

# The pool's own words for an unreachable server, which say nothing of the connections that there are.
_NONE_FREE = (PoolTimeout, TooManyRequests, PoolClosed)
# Between two replacements of all connections, while a server that answers refuses statements: a read-only one is found
# out at each write, and a pool of new connections each time would be most of its load.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0  # seconds
_CALM = 10.0  # seconds without a refusal, after which the next one is a new incident
Result = TypeVar("Result")
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it out


class Database:
    """PostgreSQL as the stores use it. Every method raises WarmcastError(UNAVAILABLE) when it cannot be asked.

    `lost` is called when a statement may have been done, and its answer did not come; also if it is then sent again.
    """

    def __init__(self, url: str, *, pool_size: int, wait: float = 1.0, longest: float = 10.0) -> None:
        """`wait`: seconds for a connection, shorter than its callers wait for it, so that they learn what is wrong.

        `longest`: seconds for a statement or a transaction. Whoever waits for a silent server would wait for ever.
        """
        self._url = url = primary_first(url)
        self._longest = longest
        self._pauses = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._replace_after = 0.0  # by the monotonic clock
        self._lanes: list[Lane] = []
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            kwargs=OPTIONS,
            # All of them from the start: one that is made when calls already wait for it takes 25 ms of both processes
            # until it has read its statements, and a mass of calls would have as many made as may be.
            min_size=pool_size,
            max_size=pool_size,
            connection_class=Connection,
            max_waiting=1000,
            timeout=wait,
            reconnect_timeout=10,
            configure=configure,
            open=False,
        )

    def lane(self) -> Lane:
        """One more connection, beside the pool; closed with this database."""
        lane = Lane(self._url, longest=self._longest, refused=self._replaced)
        self._lanes.append(lane)
        return lane

    async def open(self) -> None:
        """Starts connecting in the background; does not wait for a server."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Closes all connections."""
        for lane in self._lanes:
            await lane.close()
        await self._pool.close()

    async def fetch(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        lost: Lost = ignored,
    ) -> list[DictRow]:
        """All rows of one statement, each as a dict. Sent again on another connection if the first was of no use."""
        return await self._sent(lambda: self._fetch(dict_row, statement, parameters, lost), twice=True)

    async def fetch_once(
        self, statement: str, parameters: Mapping[str, object], *, lost: Lost = ignored
    ) -> list[TupleRow]:
        """All rows of one statement that is never done twice, each as a tuple, which costs less than a dict."""
        return await self._sent(lambda: self._fetch(tuple_row, statement, parameters, lost), twice=False)

    async def select(self, query: Select[Any]) -> list[DictRow]:
        """The rows of a query that SQLAlchemy built, and psycopg sends as any other."""
        compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        return await self.fetch(str(compiled), compiled.params)

    @asynccontextmanager
    async def transaction(self, *, lost: Lost = ignored, longest: float | None = None) -> AsyncIterator[Connection]:
        """A connection inside a transaction that commits at the end, or not at all; `longest` in place of the usual."""
        with translated():
            async with self._transaction(lost, longest) as connection:
                yield connection

    async def transact(
        self, work: Callable[[Connection], Awaitable[Result]], *, lost: Lost = ignored, longest: float | None = None
    ) -> Result:
        """What `work` returns, inside such a transaction; done again where that failed and did nothing."""

        async def once() -> Result:
            async with self._transaction(lost, longest) as connection:
                return await work(connection)

        with translated():
            return await retried(once, lambda error: classify(error) is not Failure.BUG and not leaves_open(error))

    @asynccontextmanager
    async def _transaction(self, lost: Lost, longest: float | None) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(longest or self._longest), self._pool.connection() as connection:
                try:
                    async with connection.transaction():
                        yield connection
                except BaseException as error:
                    if leaves_open(error):
                        lost()
                    raise
        except _NONE_FREE:
            raise
        except (psycopg.Error, TimeoutError) as error:
            await self._replaced(error)
            raise

    async def revision(self) -> str:
        """The schema's revision; empty when there is none yet."""
        if not (await self.fetch("SELECT to_regclass('alembic_version') AS name"))[0]["name"]:
            return ""
        rows = await self.fetch("SELECT version_num FROM alembic_version")
        return rows[0]["version_num"] if rows else ""

    async def _sent(self, send: Callable[[], Awaitable[list[Row]]], *, twice: bool) -> list[Row]:
        """What `send` returns; `twice`: it may be done again where it is unknown whether it was done."""
        with translated():
            try:
                return await send()
            except _NONE_FREE:
                raise
            except (psycopg.Error, TimeoutError) as error:
                replaced = await self._replaced(error)
                if not replaced or isinstance(error, TimeoutError) or (leaves_open(error) and not twice):
                    raise
                return await send()

    async def _replaced(self, error: psycopg.Error | TimeoutError) -> bool:
        """Replaces all connections where one failed in a way that says that the others are of no use either."""
        if isinstance(error, psycopg.Error):
            if classify(error) not in (Failure.UNAVAILABLE, Failure.MISCONFIGURED):
                return False
            if not leaves_open(error) and not self._may_replace():
                return False
        if self._pool.closed:
            return False
        # After a restart of the server every idle connection is dead, after a failover each leads to the old primary,
        # and after a firewall's all may be silent; without this each would fail a call of its own. None is asked
        # whether it is: a silent one would not answer.
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
        self, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None, lost: Lost
    ) -> list[Row]:
        async with asyncio.timeout(self._longest):
            # Not as a context, which commits: nothing is open, and asking for that takes half of the pool's time.
            connection = await self._pool.getconn()
            try:
                return await connection.rows(row_factory, statement, parameters)
            except BaseException as error:
                if leaves_open(error):
                    lost()
                raise
            finally:
                await self._pool.putconn(connection)
