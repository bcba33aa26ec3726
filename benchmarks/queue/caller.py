"""Premium calls at a steady rate, by a client with little CPU use."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from types import TracebackType
from urllib.parse import urlsplit

_CONNECTIONS = 32  # few enough that each is used before the gateway closes it as idle
_LONGEST = 30.0  # seconds for a response
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Caller:
    """A client with a fixed number of connections, opened before the first call.

    A library's client took a third of the CPU of a call: benchmarks/JOURNAL.md, mass expiry.
    """

    def __init__(self, base_url: str) -> None:
        self._place = urlsplit(base_url)
        self._idle: asyncio.Queue[_Connection] = asyncio.Queue()

    async def __aenter__(self) -> Caller:
        for _ in range(_CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection(self._place.hostname, self._place.port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    async def call(self, slug: str) -> None:
        """One premium call. Raises RuntimeError for a status other than 200."""
        async with asyncio.timeout(_LONGEST):
            reader, writer = connection = await self._idle.get()
            path = f"/api/comparison/premium?slug={slug}&tf=12m"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._place.netloc}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            self._idle.put_nowait(connection)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError((head + body).decode())

    async def p99(self, slugs: Sequence[str], *, rate: float, seconds: float) -> float:
        """The p99 in seconds, of calls at a steady rate, each timed from when it is due."""
        begun = time.monotonic()

        async def timed(due: float) -> float:
            await self.call(random.choice(slugs))
            return time.monotonic() - due

        calls = []
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(due - time.monotonic(), 0))
            calls.append(asyncio.create_task(timed(due)))
        took = sorted(await asyncio.gather(*calls))
        return took[len(took) * 99 // 100]
