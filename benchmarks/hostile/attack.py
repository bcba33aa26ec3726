"""Hostile clients, one or many: `python -m benchmarks.hostile.attack PORT SECONDS`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle

CROWD = 100  # connections
_HOST = b"Host: benchmark\r\n"
_GET = b"GET /healthz HTTP/1.1\r\n" + _HOST
_POST = b"POST /api/comparisons HTTP/1.1\r\n" + _HOST
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_WARM = b"GET /api/comparison/premium?slug=market-vs-shop-0&tf=5y HTTP/1.1\r\n" + _HOST + b"\r\n"
_LARGE = b"GET /openapi.json HTTP/1.1\r\n" + _HOST + b"\r\n"
_RECEIVE_BUFFER = 4_096  # bytes
_SEND_TIMEOUT = 1.5  # seconds for each piece of a flood
_PAUSE = 0.05  # seconds between the connections of one client of the crowd


@dataclass(frozen=True)
class Attack:
    """Bytes that are sent once, then a piece that is sent repeatedly."""

    name: str
    first: bytes
    piece: bytes


FLOODS = (
    Attack("endless trailers", _CHUNKED + b"1\r\n{\r\n0\r\n", b"A: " + b"b" * 1_000 + b"\r\n"),
    Attack("an endless chunk extension", _CHUNKED + b"1;", b"a" * 1_000),
    Attack("chunks of one byte", _CHUNKED, b"1\r\n \r\n" * 1_000),
    Attack("an endless body of a refused request", _POST + b"Content-Length: 1000000000\r\n\r\n", b" " * 10_000),
    Attack("an endless header", _GET + b"A: ", b"b" * 1_000),
    Attack("endless headers", _GET, b"a:\r\n" * 250),
    Attack("an endless request line", b"GET /", b"a" * 1_000),
    Attack("pipelined warm calls, unread", b"", _WARM * 100),
    Attack("pipelined large answers, unread", b"", _LARGE * 100),
)

# Incomplete requests and unread responses: the bytes sent first, and those sent after a response.
LATE = (
    ("no byte", b"", b""),
    ("half a head", b"GET /hea", b""),
    ("`/healthz`, then an empty line", _GET + b"\r\n", b"\r\n"),
    ("a refused POST, then 1 of 1,000 bytes", _POST + b"Content-Length: 1000\r\n\r\n", b"a"),
    ("a GET with a body, then 1 of 1,000 bytes", _GET + b"Content-Length: 1000\r\n\r\n", b"a"),
    ("a chunk without an end", _GET + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\na"),
    ("trailers without an end", _GET + b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\nA: b\r\n"),
)
UNREAD = _LARGE * 200


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[socket.socket]:
    """A client with a small receive buffer."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        yield client


async def flood(client: socket.socket, attack: Attack, most: int) -> int:
    """Sends until the gateway closes the connection or stops reading; returns the bytes sent."""
    loop, sent = asyncio.get_running_loop(), 0
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_SEND_TIMEOUT) as patience:
            await loop.sock_sendall(client, attack.first)
            while sent < most:
                await loop.sock_sendall(client, attack.piece)
                sent += len(attack.piece)
                patience.reschedule(loop.time() + _SEND_TIMEOUT)
    return sent


async def crowd(port: int, seconds: float) -> None:
    """CROWD clients, each of which opens one connection after the other, with every attack in turn."""

    async def member(first: int) -> None:
        for attack in cycle(FLOODS[first:] + FLOODS[:first]):
            with suppress(OSError):
                async with connected(port) as client:
                    await flood(client, attack, 4 * 1024 * 1024)
            await asyncio.sleep(_PAUSE)

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as members:
            for number in range(CROWD):
                members.create_task(member(number % len(FLOODS)))


if __name__ == "__main__":
    os.nice(19)  # real clients run on other machines
    print("attacking", flush=True)
    asyncio.run(crowd(int(sys.argv[1]), float(sys.argv[2])))
