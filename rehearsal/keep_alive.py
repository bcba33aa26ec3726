"""An HTTP client that keeps its connection open until the server closes it, as browsers and proxies do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from rehearsal.load import Failed

_SECONDS = 20
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close\r\n")


class KeepAliveClient:
    """One connection at a time; the next is opened when an answer says `Connection: close`.

    A connection that closes without that is a failed call: a request may already be on its way.
    """

    def __init__(self, endpoint: Callable[[], str]) -> None:
        """`endpoint` returns the host:port to connect to."""
        self._endpoint = endpoint
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, target: str) -> bytes:
        """The body of a 200 response to GET. Raises Failed for any other outcome."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._get(target)
        except (OSError, EOFError) as error:
            self.close()
            raise Failed(f"a kept-alive connection: {error!r}") from error

    def close(self) -> None:
        """Closes the open connection, if any."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _get(self, target: str) -> bytes:
        host, _, port = self._endpoint().rpartition(":")
        self._streams = self._streams or await asyncio.open_connection(host, int(port))
        reader, writer = self._streams
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if _CLOSE.search(head):
            self.close()
        if not head.startswith(b"HTTP/1.1 200"):
            raise Failed(head.partition(b"\r\n")[0].decode())
        return body
