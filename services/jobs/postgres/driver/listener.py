"""LISTEN on a connection of its own: wakes runners at once, passes changes on, and finds out when it hears nothing."""

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
_ECHO_SECONDS = 3.0  # that an echo, or any statement, may take
_RETRY_SECONDS = 1.0
# Nothing is lost with this transaction: it waits for no disk.
_ECHO = """
SELECT current_setting('transaction_read_only') = 'on', set_config('synchronous_commit', 'off', true), pg_notify(%s, %s)
"""


class Listener:
    """Calls `wake` for each wake-up, `changed` for each change with what it names, and `missed` when any may be lost.

    That is after each connect. A connection that does not return an echo, which it sends to itself every few seconds,
    is replaced: a firewall or a proxy may swallow notifications and keep the connection open.
    """

    def __init__(
        self, url: str, *, wake: Callable[[], None], changed: Callable[[str], None], missed: Callable[[], None]
    ) -> None:
        self._url = prefer_primary(url)
        self._wake = wake
        self._changed = changed
        self._missed = missed

    async def run(self) -> None:
        """Listens for ever; ends only when cancelled. The runners' poll carries on whenever this cannot."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                log.warning("LISTEN connection lost; reconnecting", error=str(error).strip())
            beat()
            # What is lost with the server is not reopened by all replicas in one moment.
            await asyncio.sleep(_RETRY_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _listen(self) -> None:
        """Returns when an echo does not, or when this server is not the primary any more."""
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
            self._all_missed()
            is_new = True
            while await self._echoes(connection, is_new=is_new):
                is_new = False
                beat()
                await self._pass_on_all(connection, seconds=_ECHO_EVERY)
        finally:
            await connection.close()

    async def _echoes(self, connection: psycopg.AsyncConnection, *, is_new: bool) -> bool:
        """Whether a notification to itself arrives, on a primary. Raises OperationalError when nothing is answered."""
        echo = uuid.uuid4().hex
        with shutdown_after(_ECHO_SECONDS, connection):
            row = await (await connection.execute(_ECHO, (CHANNEL, echo))).fetchone()
        if not await self._pass_on_all(connection, seconds=_ECHO_SECONDS, until=echo):
            _report_silence(is_new=is_new)
            return False
        is_read_only = bool(row and row[0])
        if is_read_only and not is_new:
            # The new primary notifies its own sessions alone. A new connection may lead to it.
            log.warning("LISTEN on a read-only PostgreSQL; reconnecting")
        return is_new or not is_read_only

    async def _pass_on_all(
        self, connection: psycopg.AsyncConnection, *, seconds: float, until: str | None = None
    ) -> bool:
        """Passes on what arrives in that time, or up to the echo `until`; whether that arrived."""
        # After one the driver ends with the packet that held it, of which it loses nothing.
        stop_after = None if until is None else 1
        deadline = asyncio.get_running_loop().time() + seconds
        heard = False
        while not heard and (left := deadline - asyncio.get_running_loop().time()) > 0:
            async for notification in connection.notifies(timeout=left, stop_after=stop_after):
                heard = heard or notification.payload == until
                self._pass_on(notification)
        return heard

    def _pass_on(self, notification: psycopg.Notify) -> None:
        if notification.channel == CHANGES:
            self._changed(notification.payload)
        elif not notification.payload:  # else it is an echo of another replica
            self._wake()

    def _all_missed(self) -> None:
        self._wake()
        self._missed()


def _report_silence(*, is_new: bool) -> None:
    if is_new:
        log.error(
            "notifications do not come back; is there a pooler in between? Set DATABASE_LISTEN_URL to a direct "
            "connection. The poll carries on meanwhile",
            channel=CHANNEL,
        )
    else:
        log.warning("notifications no longer come back; reconnecting", channel=CHANNEL)
