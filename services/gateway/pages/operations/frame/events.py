"""GET /ops/events: says that jobs changed, so that the console's pages fetch their fragments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.premium.change_feed import ChangeFeed
from services.gateway.routes.event_stream import (
    HEADERS,
    HEARTBEAT,
    MAX_STREAM_SECONDS,
    MEDIA_TYPE,
    RECONNECT,
    EventStream,
    set_within,
)

_EVENT = b"event: changed\ndata: {}\n\n"  # browsers drop an event without data


@dataclass(frozen=True)
class ChangeEvents:
    """One stream of events for all pages of the console."""

    changes: ChangeFeed
    heartbeat_seconds: float
    interval_seconds: float = 1.0  # between two events at least

    async def stream(self, request: Request) -> Response:
        """One event at once, for what changed before the stream, then one for all changes of each interval."""
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type=MEDIA_TYPE)
        with ExitStack() as cleanup:
            changed = cleanup.enter_context(self.changes.watching(None))
            return EventStream(self._events(changed), cleanup.pop_all())

    async def _events(self, changed: asyncio.Event) -> AsyncIterator[bytes]:
        yield RECONNECT
        now = asyncio.get_running_loop().time
        deadline = now() + MAX_STREAM_SECONDS
        while not self.changes.closing and now() < deadline:
            changed.clear()
            yield _EVENT
            await asyncio.sleep(self.interval_seconds)
            while not await set_within(changed, self.heartbeat_seconds):
                yield HEARTBEAT
                if now() > deadline:
                    return
