"""The connections to PostgreSQL: a bounded pool, lanes beside it, and errors that carry no driver's text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg.rows import AsyncRowFactory, DictRow, TupleRow, dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from services.common import errors
from services.common.errors import WarmcastError

log = structlog.get_logger()

Row = TypeVar("Row")
Lost = Callable[[], None]
# Every statement finds its rows by an index, whatever its parameters are: planning it anew each time, which the server
# otherwise does for those with a LIMIT, costs more than running it. A plan that is kept must not come from the time
# when the tables were empty, and a scan was the cheapest way to find nothing.
PLANNING = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
"""
# What a lost server or a failover looks like; the pool's own words for it (they are OperationalErrors too) come apart,
# since they say nothing of the connections that there are. Anything else is a bug of ours.
_UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)
_NONE_FREE = (PoolTimeout, TooManyRequests)
# What leaves open whether a statement was done: its connection broke, or nobody waits for its answer any more.
_ANSWER_LOST = (*_UNREACHABLE, asyncio.CancelledError)
# The kernel's watch over connections on which nobody waits for an answer: a server may be gone without a word.
KEEPALIVES: dict[str, Any] = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
_SESSION = f"""
{PLANNING}
-- What these sessions change, telling.py tells of, and no trigger (migration 0008).
SET warmcast.tells = on;
-- For which no time zone files are read.
SET TimeZone = 'UTC';
"""
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it out


def _ignored() -> None:
    """What is lost matters to nobody."""


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection that keeps its cursor, and so holds the rows of one statement at a time.

    A new cursor looks up for each type how it is written and read; a cursor a statement took 30 µs more of each.
    """

    @cached_property
    def kept_cursor(self) -> psycopg.AsyncCursor[Any]:
        """For all statements, one after the other; its rows come as its `row_factory` says at the time."""
        # Binary: a row has ten times, and a series a hundred numbers, which as text are parsed one by one.
        return self.cursor(binary=True)


class Database:
    """PostgreSQL as the stores use it. Every method raises WarmcastError(UNAVAILABLE) when it cannot be asked.

    `lost` is called when a statement may have been done, and its answer did not come; also if it is then sent again.
    """

    def __init__(self, url: str, *, pool_size: int, wait: float = 1.0, longest: float = 10.0) -> None:
        """`wait`: seconds for a connection, shorter than its callers wait for it, so that they learn what is wrong.

        `longest`: seconds for a statement or a transaction. Whoever waits for a silent server would wait for ever.
        """
        self._url = url
        self._wait = wait
        self._longest = longest
        self._lanes: list[Database] = []
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            kwargs={
                "autocommit": True,
                "connect_timeout": 5,
                "application_name": "warmcast",
                "prepare_threshold": 0,  # each statement comes again, and is read by the server once a connection
                **KEEPALIVES,
            },
            min_size=1,
            max_size=pool_size,
            connection_class=Connection,
            max_waiting=1000,
            timeout=wait,
            reconnect_timeout=10,
            configure=_configure,
            open=False,
        )

    def lane(self) -> Database:
        """One more connection, for statements of one kind that follow each other; closed with this database.

        No flood of calls keeps them waiting for a connection. And they always meet the same process of the server, warm
        from the last of them, where a pool gives out the connection that has been idle longest.
        """
        lane = Database(self._url, pool_size=1, wait=self._wait, longest=self._longest)
        self._lanes.append(lane)
        return lane

    async def open(self) -> None:
        """Starts connecting in the background, which the first statement does otherwise; waits for no server."""
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
        lost: Lost = _ignored,
    ) -> list[DictRow]:
        """All rows of one statement, each as a dict. Sent again on another connection if the first was lost."""
        with _translated():
            try:
                return await self._fetch(dict_row, statement, parameters, lost)
            except _NONE_FREE:
                raise
            except _UNREACHABLE:
                await self._drop_dead_connections()
                return await self._fetch(dict_row, statement, parameters, lost)

    async def fetch_once(
        self, statement: str, parameters: Mapping[str, object], *, lost: Lost = _ignored
    ) -> list[TupleRow]:
        """All rows of one statement that is never sent twice, each as a tuple, which costs less than a dict."""
        with _translated():
            try:
                return await self._fetch(tuple_row, statement, parameters, lost)
            except _NONE_FREE:
                raise
            except _UNREACHABLE:
                await self._drop_dead_connections()
                raise

    async def select(self, query: Select[Any]) -> list[DictRow]:
        """The rows of a query that SQLAlchemy built, and psycopg sends as any other."""
        compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        return await self.fetch(str(compiled), compiled.params)

    @asynccontextmanager
    async def transaction(self, *, lost: Lost = _ignored) -> AsyncIterator[Connection]:
        """A connection inside a transaction that commits at the end, or not at all."""
        with _translated():
            try:
                pool = await self._opened()
                async with asyncio.timeout(self._longest), pool.connection() as connection:
                    try:
                        async with connection.transaction():
                            yield connection
                    except _ANSWER_LOST:
                        lost()
                        raise
            except _NONE_FREE:
                raise
            except _UNREACHABLE:
                await self._drop_dead_connections()
                raise

    async def revision(self) -> str:
        """The schema's revision; empty when there is none yet."""
        try:
            rows = await self.fetch("SELECT version_num FROM alembic_version")
        except psycopg.errors.UndefinedTable:
            return ""
        return rows[0]["version_num"] if rows else ""

    async def _opened(self) -> AsyncConnectionPool[Connection]:
        if self._pool.closed:
            await self.open()
        return self._pool

    async def _drop_dead_connections(self) -> None:
        # After a restart of the server every idle connection is dead; without this each would fail a call of its own.
        # None is asked whether it is: one that went silent would not answer.
        await self._pool.drain()

    async def _fetch(
        self, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None, lost: Lost
    ) -> list[Row]:
        pool = await self._opened()
        async with asyncio.timeout(self._longest), pool.connection() as connection:
            try:
                return await _run(connection, row_factory, statement, parameters)
            except _ANSWER_LOST:
                lost()
                raise


async def run(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> list[DictRow]:
    """All rows of one statement on a connection that is already held, each as a dict."""
    return await _run(connection, dict_row, statement, parameters)


async def _run(
    connection: Connection, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None
) -> list[Row]:
    cursor = connection.kept_cursor
    cursor.row_factory = row_factory
    await cursor.execute(statement, parameters)
    has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
    return await cursor.fetchall() if has_rows else []


async def _configure(connection: Connection) -> None:
    await connection.execute(_SESSION, prepare=False)  # several statements, which cannot be prepared


@contextmanager
def _translated() -> Iterator[None]:
    """Turns an unreachable or silent server into UNAVAILABLE; the driver's words go to the log alone."""
    try:
        yield
    except _UNREACHABLE as error:
        log.warning("PostgreSQL cannot be asked", error=str(error).strip(), kind=type(error).__name__)
        raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL cannot be asked", retry_after=1) from None
    except TimeoutError:
        log.warning("PostgreSQL does not answer")
        raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL does not answer", retry_after=1) from None
