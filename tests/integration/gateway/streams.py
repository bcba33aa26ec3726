"""A client of Server-Sent Events that calls the ASGI application directly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message

_SECONDS = 30.0


class Stream:
    """One open stream."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._started = asyncio.Event()
        self._read = b""

    async def take(self, message: Message) -> None:
        """Receives the application's messages."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        self._chunks.put_nowait(message["body"])
        if not message.get("more_body"):
            self._chunks.put_nowait(None)

    async def started(self) -> Stream:
        """Waits for status and headers."""
        async with asyncio.timeout(_SECONDS):
            await self._started.wait()
        return self

    async def block(self) -> str | None:
        """The next block of lines; None at the end of the stream."""
        async with asyncio.timeout(_SECONDS):
            while b"\n\n" not in self._read:
                chunk = await self._chunks.get()
                if chunk is None:
                    return None
                self._read += chunk
        block, _, self._read = self._read.partition(b"\n\n")
        return block.decode()

    async def event(self) -> tuple[str, Any] | None:
        """Id and data of the next event; None at the end of the stream."""
        while (block := await self.block()) is not None:
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            if "data" in fields:
                assert fields["event"] == "status"
                return fields["id"], json.loads(fields["data"])
        return None

    async def status_of_next(self) -> str:
        """`warmupStatus` of the next event."""
        event = await self.event()
        assert event is not None, "the stream has ended"
        status: str = event[1]["warmupStatus"]
        return status


@asynccontextmanager
async def streaming(
    app: ASGIApp,
    query: str,
    last_event_id: str = "",
    *,
    path: str = "/api/comparison/premium/events",
    cookie: str = "",
) -> AsyncIterator[Stream]:
    """Opens an event stream, and disconnects at the end."""
    stream, left = Stream(), asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    headers = [(b"last-event-id", last_event_id.encode()), (b"cookie", cookie.encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name, value) for name, value in headers if value],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    serving = asyncio.ensure_future(app(scope, receive, stream.take))
    try:
        yield await stream.started()
    finally:
        left.set()
        async with asyncio.timeout(_SECONDS):
            await serving
