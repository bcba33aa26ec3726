"""The connection class of the stores, and its session settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import AsyncRowFactory, DictRow, TupleRow, dict_row

from services.jobs.postgres.driver.retries import retry
from services.jobs.postgres.driver.sqlstates import Failure, classify

Row = TypeVar("Row")
OnUnknownOutcome = Callable[[], None]
# Every statement finds its rows by an index for all values of its parameters. Generic plans save planning, which costs
# more than running. The other settings prevent scans in plans that were made while tables were empty.
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
# The kernel finds idle connections whose server is gone.
KEEPALIVES: dict[str, Any] = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 5,
    "application_name": "warmcast",
    "prepare_threshold": 0,  # prepare at once: every statement is repeated
    **KEEPALIVES,
}


def ignore() -> None:
    """Does nothing."""


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection that reuses one cursor, and so holds the rows of one statement at a time."""

    @cached_property
    def kept_cursor(self) -> psycopg.AsyncCursor[Any]:
        """The cursor for all statements; a new one would look up the adapters of all types again."""
        # Binary: text would be parsed value by value, and a series has a hundred.
        return self.cursor(binary=True)

    async def rows(
        self, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None
    ) -> list[Row]:
        """All rows of one statement as `row_factory` builds them; empty for a statement without rows.

        A statement that failed by itself, such as by a deadlock, had no effect and is retried up to three times. In a
        transaction it is not retried: that failed as a whole.
        """

        def should_retry(error: psycopg.Error) -> bool:
            idle = self.pgconn.transaction_status == TransactionStatus.IDLE
            return idle and classify(error) is Failure.STATEMENT

        return await retry(lambda: self._rows(row_factory, statement, parameters), should_retry)

    async def _rows(
        self, row_factory: AsyncRowFactory[Row], statement: str, parameters: Mapping[str, object] | None
    ) -> list[Row]:
        cursor = self.kept_cursor
        cursor.row_factory = row_factory
        await cursor.execute(statement, parameters)
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return await cursor.fetchall() if has_rows else []


async def run(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> list[DictRow]:
    """All rows of one statement on a held connection, as dicts."""
    return await connection.rows(dict_row, statement, parameters)


async def configure(connection: Connection) -> None:
    """Applies the session settings to a new connection; closes it if that fails."""
    try:
        await connection.execute(_SESSION, prepare=False)  # several statements cannot be prepared
    except BaseException:
        await connection.close()
        raise


def prefer_primary(url: str) -> str:
    """The URL; with several hosts it selects the writable one, unless the URL says otherwise."""
    parts = conninfo_to_dict(url)
    several = "," in f"{parts.get('host', '')}{parts.get('hostaddr', '')}"
    if not several or "target_session_attrs" in parts:
        return url
    return make_conninfo(url, target_session_attrs="read-write")
