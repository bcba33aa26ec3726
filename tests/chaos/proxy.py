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
_LATE = 0.15  # seconds of delay for each chunk under Trouble.DELAY


class Trouble(StrEnum):
    """Faults of a link."""

    NONE = "none"
    DELAY = "delay"  # each chunk is delayed
    STALL = "stall"  # data are held until the link heals
    CUT = "cut"  # open and new connections are closed
    RESET = "reset"  # open connections are reset; new ones work
    HALF_OPEN = "half-open"  # open and new connections go silent for ever


class Proxy:
    """One link. Runs in a thread of its own; call it from any other one."""

    def __init__(self, name: str, target_port: int) -> None:
        self.name = name
        self._target_port = target_port
        self.trouble = Trouble.NONE  # the current fault
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {name}", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._accept, LOOPBACK, 0), self._loop
        ).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @contextlib.contextmanager
    def troubled(self, trouble: Trouble) -> Iterator[None]:
        """The link has that fault during the context."""
        self._loop.call_soon_threadsafe(self._set, trouble)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._set, Trouble.NONE)

    def move(self, target_port: int) -> None:
        """New connections go to that address; open ones are unchanged."""
        self._target_port = target_port

    def close(self) -> None:
        """Ends every connection, the listener and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _set(self, trouble: Trouble) -> None:
        self.trouble = trouble
        for link in list(self._links):
            link.suffer(trouble)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.trouble is Trouble.CUT:
            writer.transport.abort()
            return
        link = _Link(reader, writer)
        link.suffer(self.trouble if self.trouble is not Trouble.RESET else Trouble.NONE)
        self._links.add(link)
        try:
            await link.carry(self._target_port)
        except asyncio.CancelledError:
            return  # the proxy ends, and asyncio would report each of its connections as an error
        finally:
            self._links.discard(link)

    async def _end(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.suffer(Trouble.CUT)
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


class _Link:
    """One connection of a client, and the one to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writers = [writer]
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._late = 0.0
        self._silent = False

    async def carry(self, port: int) -> None:
        """Until either side ends."""
        try:
            there, behind = await asyncio.open_connection(LOOPBACK, port)
            self._writers.append(behind)
            pumps = [
                asyncio.create_task(self._pump(self._reader, behind)),
                asyncio.create_task(self._pump(there, self._writers[0])),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # the server is unavailable: the client's connection ends
        finally:
            self._drop()

    def suffer(self, trouble: Trouble) -> None:
        """Applies the current fault to this connection."""
        self._late = _LATE if trouble is Trouble.DELAY else 0.0
        self._silent = self._silent or trouble is Trouble.HALF_OPEN
        if self._silent or trouble is Trouble.STALL:
            self._flowing.clear()
        else:
            self._flowing.set()
        if trouble is Trouble.RESET:
            self._drop(reset=True)
        elif trouble is Trouble.CUT:
            self._drop()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flowing.wait()
                if self._late:
                    await asyncio.sleep(self._late)
                writer.write(chunk)
                await writer.drain()

    def _drop(self, *, reset: bool = False) -> None:
        for writer in self._writers:
            if reset:
                there = cast("socket.socket | None", writer.get_extra_info("socket"))
                if there is not None:
                    with contextlib.suppress(OSError):
                        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
