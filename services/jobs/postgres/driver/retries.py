"""Sends again what failed and certainly did nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from services.common.runtime.backoff import Backoff

Result = TypeVar("Result")

_RETRIES = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2  # seconds


async def retried(send: Callable[[], Awaitable[Result]], again: Callable[[psycopg.Error], bool]) -> Result:
    """What `send` returns; it is tried up to three more times while `again` says so of its error."""
    backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
    for _ in range(_RETRIES):
        try:
            return await send()
        except psycopg.Error as error:
            if not again(error):
                raise
        await asyncio.sleep(backoff.next())
    return await send()
