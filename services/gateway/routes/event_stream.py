"""Server-Sent Events: what all streams share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # proxies must not buffer events
HEARTBEAT = b": heartbeat\n\n"
RECONNECT = b"retry: 2000\n\n"  # milliseconds after which the client reconnects
MAX_STREAM_SECONDS = 3_600.0  # then the client reconnects, perhaps to another gateway


class EventStream(StreamingResponse):
    """Releases its resources at the end, also after an error or if it never starts."""

    def __init__(self, events: AsyncIterator[bytes], cleanup: ExitStack) -> None:
        super().__init__(events, headers=HEADERS, media_type=MEDIA_TYPE)
        self._cleanup = cleanup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        with self._cleanup:
            await super().__call__(scope, receive, send)


async def set_within(changed: asyncio.Event, seconds: float) -> bool:
    """Waits for the event; False after `seconds` without it."""
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
