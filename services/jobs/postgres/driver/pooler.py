"""Refuses a connection pooler that shares sessions, before anything hangs or leaks into one of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import structlog

from services.common.runtime.background import RefusedError
from services.jobs.postgres.driver.socket_shutdown import shutdown_after

log = structlog.get_logger()

_ROUNDS = 3
_CONNECT_SECONDS = 5
_SECONDS = 3.0  # for an answer
_REFUSED = (
    "DATABASE_URL leads to a connection pooler in transaction or statement mode, where idle connections share one "
    "session of PostgreSQL. Warmcast needs LISTEN, prepared statements and advisory locks, which need a session each: "
    "connect to PostgreSQL directly, or set the pooler to session mode (PgBouncer: pool_mode = session)"
)


async def refuse_shared_backends(url: str) -> None:
    """Raises RefusedError when `url` leads to a pooler in transaction or statement mode.

    A direct connection and session mode pass. Raises psycopg.Error when there is no connection, or no answer on it.
    """
    first = await _connect(url)
    try:
        if await _backend(first) == first.info.backend_pid:
            return  # a pooler names a process of its own
        if await _shares_backends(first, url):
            raise RefusedError(_REFUSED)
    finally:
        await first.close()


def refuse_shared_backends_blocking(url: str) -> None:
    """The same for callers without a loop."""
    with ThreadPoolExecutor(1) as thread:  # a loop of its own, wherever the caller runs
        thread.submit(asyncio.run, refuse_shared_backends(url)).result()


async def _shares_backends(first: psycopg.AsyncConnection, url: str) -> bool:
    """Whether two idle connections of a pooler ever report the same backend, or one of them reports two."""
    second = None
    try:
        second = await _connect(url)
        # In turns: a pooler that hands out its backends in rotation gives another one each time.
        pairs = [(await _backend(first), await _backend(second)) for _ in range(_ROUNDS)]
    except psycopg.Error as error:
        # In session mode a pool of one is taken by the first connection, idle as it is.
        log.warning("the connection pooler gives out no second connection", kind=type(error).__name__)
        return False
    finally:
        if second is not None:
            await second.close()
    mine, other = (set(pids) for pids in zip(*pairs, strict=True))
    return len(mine) > 1 or len(other) > 1 or bool(mine & other)


async def _connect(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,  # statement mode refuses any other
        prepare_threshold=None,
        connect_timeout=_CONNECT_SECONDS,
        application_name="warmcast",
    )


async def _backend(connection: psycopg.AsyncConnection) -> int:
    with shutdown_after(_SECONDS, connection):
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    return int(row[0]) if row else 0
