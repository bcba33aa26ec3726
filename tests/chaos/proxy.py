"""A TCP proxy that simulates the faults of a network link."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from enum import StrEnum
from typing import cast

from devstack.stores.ports import LOOPBACK

_CHUNK = 64 * 1024  # bytes
_DELAY_SECONDS = 0.15  # seconds of delay for each chunk under LinkFault.DELAY


class LinkFault(StrEnum):
    """A fault of a link."""

    NONE = "none"
    DELAY = "delay"  # each chunk is delayed
    STALL = "stall"  # data wait until the fault ends
    CUT = "cut"  # open and new connections are closed
    RESET = "reset"  # open connections are reset; new ones work
    HALF_OPEN = "half-open"  # open and new connections go silent for ever


class Proxy:
    """One link. Runs in its own thread; its methods may be called from any other thread."""

    def __init__(self, name: str, target_port: int) -> None:
        self.name = name
        self._target_port = target_port
        self.fault = LinkFault.NONE  # the current fault
        self.refused = 0  # connections closed at once, under LinkFault.CUT
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {name}", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._accept, LOOPBACK, 0), self._loop
        ).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @contextlib.contextmanager
    def with_fault(self, fault: LinkFault) -> Iterator[None]:
        """Applies the fault to the link during the context."""
        self._loop.call_soon_threadsafe(self._apply, fault)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._apply, LinkFault.NONE)

    def retarget(self, target_port: int) -> None:
        """Forwards new connections to that port; open ones are unchanged."""
        self._target_port = target_port

    def close(self) -> None:
        """Closes all connections and the listener, and ends the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _apply(self, fault: LinkFault) -> None:
        self.fault = fault
        for link in list(self._links):
            link.apply(fault)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault is LinkFault.CUT:
            self.refused += 1
            writer.transport.abort()
            return
        link = _Link(reader, writer)
        link.apply(self.fault if self.fault is not LinkFault.RESET else LinkFault.NONE)
        self._links.add(link)
        try:
            await link.forward(self._target_port)
        except asyncio.CancelledError:
            return  # the proxy is closing; asyncio would log an error for each connection
        finally:
            self._links.discard(link)

    async def _end(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.apply(LinkFault.CUT)
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


class _Link:
    """A client's connection and its connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writers = [writer]
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._delay = 0.0
        self._half_open = False

    async def forward(self, port: int) -> None:
        """Forwards data in both directions until either side closes."""
        try:
            server_reader, server_writer = await asyncio.open_connection(LOOPBACK, port)
            self._writers.append(server_writer)
            copies = [
                asyncio.create_task(self._copy(self._reader, server_writer)),
                asyncio.create_task(self._copy(server_reader, self._writers[0])),
            ]
            try:
                await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for copy in copies:
                    copy.cancel()
                await asyncio.gather(*copies, return_exceptions=True)
        except OSError:
            pass  # the server is unavailable; the client's connection is closed
        finally:
            self._drop()

    def apply(self, fault: LinkFault) -> None:
        """Applies the current fault to this connection."""
        self._delay = _DELAY_SECONDS if fault is LinkFault.DELAY else 0.0
        self._half_open = self._half_open or fault is LinkFault.HALF_OPEN
        if self._half_open or fault is LinkFault.STALL:
            self._flowing.clear()
        else:
            self._flowing.set()
        if fault is LinkFault.RESET:
            self._drop(reset=True)
        elif fault is LinkFault.CUT:
            self._drop()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flowing.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(chunk)
                await writer.drain()

    def _drop(self, *, reset: bool = False) -> None:
        for writer in self._writers:
            if reset:
                sock = cast("socket.socket | None", writer.get_extra_info("socket"))
                if sock is not None:
                    with contextlib.suppress(OSError):
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
