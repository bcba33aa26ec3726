"""Refuses a connection pooler that shares sessions."""

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
_RESPONSE_SECONDS = 3.0
_REFUSED = (
    "DATABASE_URL leads to a connection pooler in transaction or statement mode, where idle connections share one "
    "session of PostgreSQL. Warmcast needs LISTEN, prepared statements and advisory locks, which need a session each: "
    "connect to PostgreSQL directly, or set the pooler to session mode (PgBouncer: pool_mode = session)"
)


async def refuse_shared_backends(url: str) -> None:
    """Raises RefusedError if `url` leads to a pooler in transaction or statement mode.

    Direct connections and session mode are accepted. Raises psycopg.Error without a connection or a response.
    """
    first = await _connect(url)
    try:
        if await _backend(first) == first.info.backend_pid:
            return  # a pooler reports another process id
        if await _shares_backends(first, url):
            raise RefusedError(_REFUSED)
    finally:
        await first.close()


def refuse_shared_backends_blocking(url: str) -> None:
    """The same for callers without an event loop."""
    with ThreadPoolExecutor(1) as thread:  # a separate event loop
        thread.submit(asyncio.run, refuse_shared_backends(url)).result()


async def _shares_backends(first: psycopg.AsyncConnection, url: str) -> bool:
    """Whether two idle connections share a backend, or one of them changes its backend."""
    second = None
    try:
        second = await _connect(url)
        # Alternating: a pooler that rotates its backends changes them each time.
        pairs = [(await _backend(first), await _backend(second)) for _ in range(_ROUNDS)]
    except psycopg.Error as error:
        # In session mode the first connection occupies a pool of one.
        log.warning("no second connection from the connection pooler", kind=type(error).__name__)
        return False
    finally:
        if second is not None:
            await second.close()
    mine, other = (set(pids) for pids in zip(*pairs, strict=True))
    return len(mine) > 1 or len(other) > 1 or bool(mine & other)


async def _connect(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,  # statement mode requires it
        prepare_threshold=None,
        connect_timeout=_CONNECT_SECONDS,
        application_name="warmcast",
    )


async def _backend(connection: psycopg.AsyncConnection) -> int:
    with shutdown_after(_RESPONSE_SECONDS, connection):
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    return int(row[0]) if row else 0
