"""A gateway process with short timeouts, and clients that misuse it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from devstack.stores.ports import free_port
from tests.integration.gateway.data import FRESH, MISSING, QUEUED, READY, cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening
from tests.integration.gateway.test_connections import HOST, POST
from tests.integration.gateway.test_process import PATH, gateway, until_ready
from tests.waiting import wait_until_async

MIB = 1024 * 1024
PREMIUM = b"GET %s HTTP/1.1\r\n" % PATH.encode() + HOST + b"\r\n"
EVENTS = b"GET /api/comparison/premium/events?slug=coffee-vs-tea HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# Larger than the send and receive buffers of the kernel.
LARGE_ANSWERS = (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * 200
UNAUTHENTICATED = b"POST /api/comparison/warmup HTTP/1.1\r\n" + HOST
SLOW = "/api/comparison/premium?slug=never-vs-slow"
LATE = 0.5  # seconds: the timeout of a head, a body and a write
ENOUGH = 64 * MIB  # bytes that a client tries to send


@dataclass
class Gateway:
    """One process and its memory."""

    port: int
    pid: int

    def resident(self) -> int:
        """Bytes of memory in use."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def status(self, path: str = "/healthz") -> int:
        """Status of one request on a new connection."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client:
            return (await client.get(path)).status_code


@asynccontextmanager
async def served(**settings: str) -> AsyncIterator[Gateway]:
    """A gateway with short timeouts; one comparison is ready, the others are queued."""
    jobs, forecaster, port = FakeJobs(), FakeForecaster(), free_port()

    def is_ready(slug: str) -> bool:
        return slug in PATH

    async def get_warmup(request: jobs_pb2.GetWarmupRequest) -> jobs_pb2.GetWarmupResponse:
        if request.key.slug in SLOW:
            await asyncio.Event().wait()
        answer = warmup(job(READY if is_ready(request.key.slug) else QUEUED))
        answer.slug = request.key.slug
        return answer

    def get_forecasts(request: forecaster_pb2.GetForecastsRequest) -> forecaster_pb2.GetForecastsResponse:
        return forecasts(cached(FRESH if is_ready(request.keys[0].slug) else MISSING))

    jobs.replies.update(GetWarmup=get_warmup)
    forecaster.replies.update(GetForecasts=get_forecasts)
    # The log is not read, so it must not fill its pipe.
    fixed = {"GATEWAY_PORT": str(port), "LOG_LEVEL": "error"}
    timeouts = {f"{part}_TIMEOUT_SECONDS": str(LATE) for part in ("HEAD", "BODY", "WRITE")}
    async with listening(jobs, forecaster) as address:
        peers = {"JOBS_ADDR": address, "FORECASTER_ADDR": address}
        async with gateway(**peers, **fixed, **{**timeouts, **settings}) as process:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await until_ready(client)
            yield Gateway(port, process.pid)


@asynccontextmanager
async def client_of(running: Gateway, *, receives: int | None = None) -> AsyncIterator[socket.socket]:
    """A raw socket with a receive buffer of about `receives` bytes."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        if receives is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", running.port))
        yield client


@asynccontextmanager
async def many(running: Gateway, number: int) -> AsyncIterator[list[socket.socket]]:
    async with AsyncExitStack() as ends:
        yield [await ends.enter_async_context(client_of(running, receives=4_096)) for _ in range(number)]


async def flood(client: socket.socket, piece: bytes, most: int = ENOUGH) -> int:
    """Sends the piece repeatedly until the gateway stops reading for 1.5 s; returns the bytes sent."""
    loop, sent = asyncio.get_running_loop(), 0
    try:
        async with asyncio.timeout(1.5) as progress:
            while sent < most:
                await loop.sock_sendall(client, piece)
                sent += len(piece)
                progress.reschedule(loop.time() + 1.5)
    except (TimeoutError, OSError):
        pass
    return sent


async def ended(client: socket.socket, *, reads: bool = True) -> bytes:
    """Reads until the gateway closes the connection, within a time limit."""
    loop, got = asyncio.get_running_loop(), b""
    if not reads:
        await wait_until_async(lambda: is_gone(client), 60, "the gateway ends the connection")
        return got
    async with asyncio.timeout(10):  # no longer than the timeouts without a setting, or one that is ignored would pass
        try:
            while piece := await loop.sock_recv(client, MIB):
                got += piece
        except ConnectionResetError:
            pass
        return got


async def is_gone(client: socket.socket) -> bool:
    """Whether the connection is closed, by the kernel's table of connections; reads nothing from the socket."""
    try:
        ours, theirs = (f":{name[1]:04X}" for name in (client.getsockname(), client.getpeername()))
    except OSError:  # it was reset
        return True
    # Another connection may have the same port at one of its ends.
    return not any(
        local.endswith(theirs) and remote.endswith(ours) and state == "01"
        for _, local, remote, state, *_ in _connections()
    )


def _connections() -> list[list[str]]:
    return [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
