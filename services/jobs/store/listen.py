"""LISTEN on a connection of its own: wakes runners at once, and says so when wake-ups do not get through."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

import psycopg
import structlog
from psycopg import sql

from services.jobs.store.statements import CHANNEL

log = structlog.get_logger()

_ECHO_SECONDS = 5.0
_RETRY_SECONDS = 1.0


class Listener:
    """Calls `wake` for each notification, and after each reconnect, since one may have been missed meanwhile."""

    def __init__(self, url: str, wake: Callable[[], None]) -> None:
        self._url = url
        self._wake = wake

    async def run(self) -> None:
        """Listens for ever; ends only when cancelled. The runners' poll carries on whenever this cannot."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                log.warning("listening again after a lost connection", error=str(error).strip())
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="warmcast-listen",
            # It only ever waits: a server that is gone without a word must be noticed.
            keepalives=1,
            keepalives_idle=10,
            keepalives_interval=3,
            keepalives_count=3,
        )
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self._wake()
            echo, heard = uuid.uuid4().hex, False
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, echo))
            until = time.monotonic() + _ECHO_SECONDS
            async for notification in connection.notifies(timeout=_ECHO_SECONDS):
                heard = heard or notification.payload == echo
                self._wake()
                if heard or time.monotonic() > until:
                    break
            if not heard:
                log.error(
                    "notifications do not come back; is there a pooler in between? Set DATABASE_LISTEN_URL to a direct "
                    "connection. The poll carries on meanwhile",
                    channel=CHANNEL,
                )
            async for _ in connection.notifies():
                self._wake()
