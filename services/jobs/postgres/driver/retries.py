"""Retries of operations that failed without any effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from services.common.runtime.backoff import Backoff

Result = TypeVar("Result")

_RETRIES = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2  # seconds


async def retry(send: Callable[[], Awaitable[Result]], should_retry: Callable[[psycopg.Error], bool]) -> Result:
    """The result of `send`, which is retried up to three times while `should_retry` accepts its error."""
    backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
    for _ in range(_RETRIES):
        try:
            return await send()
        except psycopg.Error as error:
            if not should_retry(error):
                raise
        await asyncio.sleep(backoff.next())
    return await send()
