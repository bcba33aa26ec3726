"""A connection to PostgreSQL as the stores use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import AsyncRowFactory, DictRow, TupleRow, dict_row

from services.jobs.postgres.driver.retries import retried
from services.jobs.postgres.driver.sqlstates import Failure, classify

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
_SESSION = f"""
{PLANNING}
-- ChangePublisher publishes the changes of these sessions; the trigger skips them.
SET warmcast.publishes_changes = on;
-- UTC needs no time zone files.
SET TimeZone = 'UTC';
"""
# The kernel's watch over connections on which nobody waits for an answer: a server may be gone without a word.
KEEPALIVES: dict[str, Any] = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 5,
    "application_name": "warmcast",
    "prepare_threshold": 0,  # each statement comes again, and is read by the server once a connection
    **KEEPALIVES,
}


def ignored() -> None:
    """What is lost matters to nobody."""


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection that keeps its cursor, and so holds the rows of one statement at a time."""

    @cached_property
    def kept_cursor(self) -> psycopg.AsyncCursor[Any]:
        """For all statements, one after the other; a new one would look up again how each type is written and read."""
        # Binary: a row has ten times, and a series a hundred numbers, which as text are parsed one by one.
        return self.cursor(binary=True)

    async def rows(
        self, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None
    ) -> list[Row]:
        """All rows of one statement, each as the factory makes it; none of one that returns nothing.

        A statement that failed alone, such as by a deadlock, did nothing and is sent again, up to three times. Not
        within a transaction, which failed as a whole.
        """

        def again(error: psycopg.Error) -> bool:
            idle = self.pgconn.transaction_status == TransactionStatus.IDLE
            return idle and classify(error) is Failure.STATEMENT

        return await retried(lambda: self._rows(row_factory, statement, parameters), again)

    async def _rows(
        self, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None
    ) -> list[Row]:
        cursor = self.kept_cursor
        cursor.row_factory = row_factory
        await cursor.execute(statement, parameters)
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return await cursor.fetchall() if has_rows else []


async def run(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> list[DictRow]:
    """All rows of one statement on a connection that is already held, each as a dict."""
    return await connection.rows(dict_row, statement, parameters)


async def configure(connection: Connection) -> None:
    """Readies a new connection; closes it when that fails."""
    try:
        await connection.execute(_SESSION, prepare=False)  # several statements, which cannot be prepared
    except BaseException:
        await connection.close()
        raise


def primary_first(url: str) -> str:
    """The same URL; of several hosts it takes the one that can be written to, unless the URL says otherwise."""
    parts = conninfo_to_dict(url)
    several = "," in f"{parts.get('host', '')}{parts.get('hostaddr', '')}"
    if not several or "target_session_attrs" in parts:
        return url
    return make_conninfo(url, target_session_attrs="read-write")
