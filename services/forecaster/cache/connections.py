"""Redis connections that can be reopened while they are in use."""

from __future__ import annotations

from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff


class ReplaceablePool(BlockingConnectionPool):
    """A bounded pool whose connections resolve the server's name again after `reconnect`."""

    def reconnect(self) -> None:
        """Reopens each connection: one in use after its command, an idle one before its next command."""
        for connection in (*self._available_connections, *self._in_use_connections):
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call] # redis-py's

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """See BlockingConnectionPool."""
        if connection.should_reconnect():  # type: ignore[no-untyped-call] # redis-py's
            await connection.disconnect()
        await super().ensure_connection(connection)


def connect(url: str, *, connections: int) -> Redis:
    """A client with a bounded pool: 2 s to connect, 2 s an operation, one retry."""
    # No health checks: they are PINGs, which a server that cannot save (MISCONF) refuses.
    pool: ReplaceablePool = ReplaceablePool.from_url(
        url,
        max_connections=connections,
        timeout=2,
        socket_connect_timeout=2,
        socket_timeout=2,
        socket_keepalive=True,
        # Reopens a connection that the server closed while it was idle; every command here may run twice.
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        protocol=2,
        client_name="warmcast-forecaster",
    )
    return Redis.from_pool(pool)


def reconnect_all(redis: Redis) -> None:
    """Reopens every connection of a client made by `connect`."""
    cast("ReplaceablePool", redis.connection_pool).reconnect()
