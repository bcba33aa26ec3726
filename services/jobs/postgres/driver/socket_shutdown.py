"""A time limit for a connection that may be silent."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg


@contextmanager
def shutdown_after(seconds: float, connection: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Ends the connection when the block takes longer: what waits for an answer then raises OperationalError at once.

    A cancelled statement instead waits for up to 10 s more, in which the driver tries to cancel it at the server.
    """
    alarm = asyncio.get_running_loop().call_later(seconds, _hang_up, connection)
    try:
        yield
    finally:
        alarm.cancel()


def _hang_up(connection: psycopg.AsyncConnection[Any]) -> None:
    if connection.closed:
        return
    # Shut down and not closed: the event loop still watches this descriptor, whose number may be taken anew.
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
