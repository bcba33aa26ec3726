"""A time limit for statements on a connection that may be silent."""

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
    """Shuts the socket down after that time, so that a waiting statement raises OperationalError at once.

    Cancelling the statement would take up to 10 s more, while the driver cancels it at the server.
    """
    alarm = asyncio.get_running_loop().call_later(seconds, _shut_down, connection)
    try:
        yield
    finally:
        alarm.cancel()


def _shut_down(connection: psycopg.AsyncConnection[Any]) -> None:
    if connection.closed:
        return
    # Not closed: the event loop still watches the descriptor, whose number may be reused.
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
