"""LISTEN on a connection of its own: wakes runners, forwards change notifications, and detects a silent connection."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable

import psycopg
import structlog
from psycopg import sql

from services.common.runtime.background import beat
from services.jobs.postgres.driver.connection import KEEPALIVES, prefer_primary
from services.jobs.postgres.driver.socket_shutdown import shutdown_after
from services.jobs.postgres.sql.edges import CHANGES, CHANNEL

log = structlog.get_logger()

_ECHO_EVERY = 5.0  # seconds from one echo to the next
_ECHO_SECONDS = 3.0  # the longest for an echo, or for any statement
_RETRY_SECONDS = 1.0
# The transaction changes no data, so it does not wait for the disk.
_ECHO = """
SELECT current_setting('transaction_read_only') = 'on', set_config('synchronous_commit', 'off', true), pg_notify(%s, %s)
"""


class Listener:
    """Calls `on_wake_up` for each wake-up, `on_change` with the payload of each change, `on_missed` after each connect.

    It notifies itself every few seconds, and reconnects when that echo does not arrive: a firewall or a proxy may drop
    notifications and keep the connection open.
    """

    def __init__(
        self,
        url: str,
        *,
        on_wake_up: Callable[[], None],
        on_change: Callable[[str], None],
        on_missed: Callable[[], None],
    ) -> None:
        self._url = prefer_primary(url)
        self._on_wake_up = on_wake_up
        self._on_change = on_change
        self._on_missed = on_missed

    async def run(self) -> None:
        """Listens until cancelled. While disconnected, runners rely on their poll."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                log.warning("LISTEN connection lost; reconnecting", error=str(error).strip())
            beat()
            # Jitter, so that not all replicas reconnect at once.
            await asyncio.sleep(_RETRY_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _listen(self) -> None:
        """Returns when an echo is lost, or when this server is no longer the primary."""
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="warmcast-listen",
            **KEEPALIVES,
        )
        try:
            for channel in (CHANNEL, CHANGES):
                with shutdown_after(_ECHO_SECONDS, connection):
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            # Notifications may have been lost while it was disconnected.
            self._on_wake_up()
            self._on_missed()
            is_new = True
            while await self._echoes(connection, is_new=is_new):
                is_new = False
                beat()
                await self._forward_all(connection, seconds=_ECHO_EVERY)
        finally:
            await connection.close()

    async def _echoes(self, connection: psycopg.AsyncConnection, *, is_new: bool) -> bool:
        """Whether a notification to itself arrives, on a primary. Raises OperationalError without a response."""
        echo = uuid.uuid4().hex
        with shutdown_after(_ECHO_SECONDS, connection):
            row = await (await connection.execute(_ECHO, (CHANNEL, echo))).fetchone()
        if not await self._forward_all(connection, seconds=_ECHO_SECONDS, until=echo):
            _report_silence(is_new=is_new)
            return False
        is_read_only = bool(row and row[0])
        if is_read_only and not is_new:
            # The new primary notifies only its own sessions. A new connection may lead to it.
            log.warning("LISTEN on a read-only PostgreSQL; reconnecting")
        return is_new or not is_read_only

    async def _forward_all(
        self, connection: psycopg.AsyncConnection, *, seconds: float, until: str | None = None
    ) -> bool:
        """Forwards notifications for that time, or up to the echo `until`; whether that arrived."""
        # stop_after=1: the driver returns after the packet of the first notification, and loses none of it.
        stop_after = None if until is None else 1
        deadline = asyncio.get_running_loop().time() + seconds
        arrived = False
        while not arrived and (left := deadline - asyncio.get_running_loop().time()) > 0:
            async for notification in connection.notifies(timeout=left, stop_after=stop_after):
                arrived = arrived or notification.payload == until
                self._forward(notification)
        return arrived

    def _forward(self, notification: psycopg.Notify) -> None:
        if notification.channel == CHANGES:
            self._on_change(notification.payload)
        elif not notification.payload:  # otherwise the echo of another replica
            self._on_wake_up()


def _report_silence(*, is_new: bool) -> None:
    if is_new:
        log.error(
            "notifications do not arrive, perhaps because of a connection pooler; set DATABASE_LISTEN_URL to a direct "
            "connection. Polling continues",
            channel=CHANNEL,
        )
    else:
        log.warning("notifications no longer arrive; reconnecting", channel=CHANNEL)
