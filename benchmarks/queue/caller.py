"""Premium calls at a steady rate, by a client that takes next to nothing of the machine that it measures."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from types import TracebackType
from urllib.parse import urlsplit

_CONNECTIONS = 32  # each is used several times a second, or the gateway would close it
_LONGEST = 30.0  # seconds for an answer
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Caller:
    """As many connections as it will ever need, opened before the first call.

    A library's client took 3.5 ms of a call's CPU time here, a third of what all services took for it, and opened
    connections just when calls piled up: what it then measured was itself.
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

    async def ask(self, slug: str) -> None:
        """One premium call. Raises RuntimeError when it is not answered with 200."""
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
        """Seconds, of calls that are due at a steady rate whatever the others take, and timed from when they are."""
        begun = time.monotonic()

        async def timed(due: float) -> float:
            await self.ask(random.choice(slugs))
            return time.monotonic() - due

        calls = []
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(due - time.monotonic(), 0))
            calls.append(asyncio.create_task(timed(due)))
        took = sorted(await asyncio.gather(*calls))
        return took[len(took) * 99 // 100]
