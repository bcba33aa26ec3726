"""LISTEN on a connection of its own: wakes runners at once, tells of changes, and says so when neither gets through."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

import psycopg
import structlog
from psycopg import sql

from services.jobs.store.connection import KEEPALIVES
from services.jobs.store.statements import CHANGES, CHANNEL

log = structlog.get_logger()

_ECHO_SECONDS = 5.0
_RETRY_SECONDS = 1.0


class Listener:
    """Calls `wake` for each wake-up, `changed` for each change with what it names, and `missed` when any may be lost.

    That is after each connect, and every few seconds while notifications do not come back.
    """

    def __init__(
        self, url: str, *, wake: Callable[[], None], changed: Callable[[str], None], missed: Callable[[], None]
    ) -> None:
        self._url = url
        self._wake = wake
        self._changed = changed
        self._missed = missed

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
            **KEEPALIVES,
        )
        async with connection:
            for channel in (CHANNEL, CHANGES):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._all_missed()
            echo, heard = uuid.uuid4().hex, False
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, echo))
            until = time.monotonic() + _ECHO_SECONDS
            async for notification in connection.notifies(timeout=_ECHO_SECONDS):
                heard = heard or notification.payload == echo
                self._pass_on(notification)
                if heard or time.monotonic() > until:
                    break
            if not heard:
                log.error(
                    "notifications do not come back; is there a pooler in between? Set DATABASE_LISTEN_URL to a direct "
                    "connection. The poll carries on meanwhile",
                    channel=CHANNEL,
                )
            while True:
                async for notification in connection.notifies(timeout=None if heard else _ECHO_SECONDS):
                    self._pass_on(notification)
                self._all_missed()

    def _pass_on(self, notification: psycopg.Notify) -> None:
        if notification.channel == CHANGES:
            self._changed(notification.payload)
        else:
            self._wake()

    def _all_missed(self) -> None:
        self._wake()
        self._missed()
