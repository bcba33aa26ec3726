"""Hostile connections: none holds much memory, none lasts, none blocks others."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from tests.integration.gateway.data import FRESH, MISSING, QUEUED, READY, cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening
from tests.integration.gateway.test_connections import GET, HOST, POST, SECRET_HEADER, exchange, problem
from tests.integration.gateway.test_process import PATH, free_port, gateway, until_ready
from tests.waiting import wait_until_async

MIB = 1024 * 1024
PREMIUM = b"GET %s HTTP/1.1\r\n" % PATH.encode() + HOST + b"\r\n"
EVENTS = b"GET /api/comparison/premium/events?slug=coffee-vs-tea HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# More than the kernels on both sides keep of it.
LARGE_ANSWERS = (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * 200
UNAUTHENTICATED = b"POST /api/comparison/warmup HTTP/1.1\r\n" + HOST
SLOW = "/api/comparison/premium?slug=never-vs-slow"
LATE = 0.5  # seconds that a head, a body and a write may take here
ENOUGH = 64 * MIB  # that a client tries to send


@dataclass
class Gateway:
    """One process, and what it takes."""

    port: int
    pid: int

    def resident(self) -> int:
        """Bytes of memory in use."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def status(self, path: str = "/healthz") -> int:
        """Status of one request on a new connection."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5) as client:
            return (await client.get(path)).status_code


@asynccontextmanager
async def served(**settings: str) -> AsyncIterator[Gateway]:
    """A gateway with short timeouts; one comparison is ready, the others are queued."""
    jobs, forecaster, port = FakeJobs(), FakeForecaster(), free_port()

    def is_ready(slug: str) -> bool:
        return slug in PATH

    async def get_warmup(asked: jobs_pb2.GetWarmupRequest) -> jobs_pb2.GetWarmupResponse:
        if asked.key.slug in SLOW:
            await asyncio.Event().wait()
        answer = warmup(job(READY if is_ready(asked.key.slug) else QUEUED))
        answer.slug = asked.key.slug
        return answer

    def get_forecasts(asked: forecaster_pb2.GetForecastsRequest) -> forecaster_pb2.GetForecastsResponse:
        return forecasts(cached(FRESH if is_ready(asked.keys[0].slug) else MISSING))

    jobs.replies.update(GetWarmup=get_warmup)
    forecaster.replies.update(GetForecasts=get_forecasts)
    # Nobody reads the log, so it must not fill its pipe.
    fixed = {"GATEWAY_PORT": str(port), "LOG_LEVEL": "error"}
    patience = {f"{part}_TIMEOUT_SECONDS": str(LATE) for part in ("HEAD", "BODY", "WRITE")}
    async with listening(jobs, forecaster) as address:
        peers = {"JOBS_ADDR": address, "FORECASTER_ADDR": address}
        async with gateway(**peers, **fixed, **{**patience, **settings}) as process:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await until_ready(client)
            yield Gateway(port, process.pid)


@pytest.fixture(scope="module")
async def impatient() -> AsyncIterator[Gateway]:
    """For most tests."""
    async with served() as running:
        yield running


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


async def flood(client: socket.socket, piece: bytes, most: int = ENOUGH) -> int:
    """Sends the piece again and again until it is not taken; the bytes sent."""
    loop, sent = asyncio.get_running_loop(), 0
    try:
        async with asyncio.timeout(1.5) as patience:
            while sent < most:
                await loop.sock_sendall(client, piece)
                sent += len(piece)
                patience.reschedule(loop.time() + 1.5)
    except (TimeoutError, OSError):
        pass
    return sent


async def ended(client: socket.socket, *, reads: bool = True) -> bytes:
    """Reads until the gateway closes the connection, within a time limit."""
    loop, got = asyncio.get_running_loop(), b""
    if not reads:
        await wait_until_async(lambda: _is_gone(client), 60, "the gateway ends the connection")
        return got
    async with asyncio.timeout(10):
        try:
            while piece := await loop.sock_recv(client, MIB):
                got += piece
        except ConnectionResetError:
            pass
        return got


async def _is_gone(client: socket.socket) -> bool:
    """By the kernel's table of connections: nothing is read from the socket."""
    mine = f"{client.getsockname()[1]:04X}"
    return not any(remote.endswith(f":{mine}") and state == "01" for _, _, remote, state, *_ in _connections())


def _connections() -> list[list[str]]:
    return [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (CHUNKED + b"1\r\n{\r\n0\r\n", b"A: " + b"b" * 1_000 + b"\r\n"),
        (CHUNKED + b"1\r\n{\r\n0\r\nA: ", b"b" * 1_000),
        (CHUNKED + b"1;", b"extension" * 100),
        (CHUNKED, b"0" * 1_000),
        (CHUNKED, b"1\r\n \r\n" * 1_000),
        (UNAUTHENTICATED + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 1_000),
        (UNAUTHENTICATED + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b" " * 1_000 + b"\r\n"),
        (UNAUTHENTICATED + b"Content-Length: 1000000000\r\n\r\n", b" " * 1_000),
        (GET + b"Content-Length: 1000000000\r\n\r\n", b" " * 1_000),
        (b"GET %s HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n" % SLOW.encode(), b" " * 100_000),
        (GET + b"A: ", b"b" * 1_000),
        (GET, b"A: b\r\n" * 100),
        (GET, b"a:\r\n" * 100),
        (b"GET /", b"a" * 1_000),
        (b"", b"\r\n" * 1_000),
        (b"", PREMIUM * 100),
    ],
)
async def test_a_connection_that_only_sends_holds_little_memory(impatient: Gateway, first: bytes, piece: bytes) -> None:
    before = impatient.resident()
    async with client_of(impatient, receives=4_096) as client:
        await asyncio.get_running_loop().sock_sendall(client, first)
        sent = await flood(client, piece)
        taken = impatient.resident() - before
        await ended(client, reads=False)
    assert sent < ENOUGH
    assert taken < 4 * MIB


async def test_requests_pipelined_behind_an_event_stream_stay_unread(impatient: Gateway) -> None:
    for _ in range(2):  # what the first event stream of a process loads once is not the connection's
        before = impatient.resident()
        async with client_of(impatient) as client:
            await asyncio.get_running_loop().sock_sendall(client, EVENTS + b"\r\n")
            assert await flood(client, PREMIUM * 100) < ENOUGH
            taken = impatient.resident() - before
    assert taken < 4 * MIB


@pytest.mark.slow
async def test_a_hundred_pipelining_connections_hold_little_memory() -> None:
    async with served(WRITE_TIMEOUT_SECONDS="30") as running:
        assert await running.status(PATH) == 200
        before = running.resident()
        async with _many(running, 100) as clients:
            await asyncio.gather(*(flood(client, LARGE_ANSWERS + PREMIUM * 1_000) for client in clients))
            taken = running.resident() - before
            assert await running.status(PATH) == 200
    assert taken < 64 * MIB


async def test_pipelined_requests_are_all_answered_in_order(impatient: Gateway) -> None:
    known, unknown = b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /x HTTP/1.1\r\n\r\n"
    answers = await exchange(impatient.port, (known + unknown) * 4_500, most=9_000)
    assert [answer.status for answer in answers] == [200, 404] * 4_500


async def test_pipelined_requests_with_bodies_are_answered(impatient: Gateway) -> None:
    body = b'{"slug": "amazon-vs-costco"}'
    counted = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = CHUNKED + b"%x;a=b\r\n" % len(body) + body + b"\r\n0\r\nTrailer: x\r\n\r\n"
    whole = (counted + chunked + GET + b"\r\n") * 3
    expected = [202, 202, 200] * 3
    for cut in (len(whole), 1, 7):
        pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
        answers = await exchange(impatient.port, *pieces, most=len(expected))
        assert [answer.status for answer in answers] == expected


@pytest.mark.slow
async def test_clients_that_do_not_read_are_closed_and_block_no_others() -> None:
    async with served(MAX_IN_FLIGHT="5", WRITE_TIMEOUT_SECONDS="2") as running, _many(running, 20) as clients:
        await asyncio.gather(*(flood(client, LARGE_ANSWERS, 1) for client in clients))
        assert await running.status(PATH) == 200
        for client in clients:
            await ended(client, reads=False)


async def test_a_slow_reader_is_closed(impatient: Gateway) -> None:
    async with client_of(impatient, receives=4_096) as client:
        await flood(client, LARGE_ANSWERS, 1)
        loop = asyncio.get_running_loop()

        async def gone() -> bool:
            await loop.sock_recv(client, 1)
            return await _is_gone(client)

        await wait_until_async(gone, 10, "the gateway ends the connection")


@pytest.mark.parametrize(
    "sent",
    [
        (GET + b"\r\n", b"\r\n"),
        (GET + b"\r\n", b"G"),
        (UNAUTHENTICATED + b"Content-Length: 1000\r\n\r\n", b"a"),
        (GET + b"Content-Length: 1000\r\n\r\n", b"a"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\nA: b\r\n"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n", b"1;a"),
        (EVENTS + b"Content-Length: 1000\r\n\r\n", b"a"),
        (UNAUTHENTICATED + b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",),
    ],
)
async def test_an_incomplete_request_is_closed_after_its_response(impatient: Gateway, sent: tuple[bytes, ...]) -> None:
    loop = asyncio.get_running_loop()
    async with client_of(impatient) as client:
        got = b""
        for piece in sent:
            await loop.sock_sendall(client, piece)
            got = got or await loop.sock_recv(client, MIB)
        assert got.startswith((b"HTTP/1.1 200", b"HTTP/1.1 401"))
        await ended(client)


async def test_a_dripping_body_is_closed(impatient: Gateway) -> None:
    loop = asyncio.get_running_loop()
    async with client_of(impatient) as client:
        await loop.sock_sendall(client, CHUNKED)

        async def gone() -> bool:
            try:
                await loop.sock_sendall(client, b"1\r\n \r\n")
            except OSError:
                return True
            return await _is_gone(client)

        await wait_until_async(gone, 10, "the gateway ends the connection")


async def test_a_half_closed_connection_is_closed(impatient: Gateway) -> None:
    async with client_of(impatient) as client:
        await asyncio.get_running_loop().sock_sendall(client, GET)
        client.shutdown(socket.SHUT_WR)
        assert await ended(client) == b""


@pytest.mark.slow
async def test_an_event_stream_outlives_every_deadline() -> None:
    async with served(EVENT_HEARTBEAT_SECONDS="0.2") as running, client_of(running) as client:
        loop, got = asyncio.get_running_loop(), b""
        await loop.sock_sendall(client, EVENTS + b"\r\n")
        async with asyncio.timeout(20):
            while got.count(b"heartbeat") < 10 * LATE / 0.2:
                piece = await loop.sock_recv(client, MIB)
                assert piece
                got += piece


@pytest.mark.slow
async def test_an_unread_event_stream_is_closed() -> None:
    async with served(EVENT_HEARTBEAT_SECONDS="0.002") as running, client_of(running, receives=2_048) as client:
        await asyncio.get_running_loop().sock_sendall(client, EVENTS + b"\r\n")
        await ended(client, reads=False)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errors.MALFORMED_REQUEST),
        (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", errors.MALFORMED_REQUEST),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", errors.MALFORMED_REQUEST),
        (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", errors.MALFORMED_REQUEST),
        (POST + b"Content-Length: 5\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /", errors.MALFORMED_REQUEST),
        (GET + b"A: b\r\n folded\r\n\r\n", errors.MALFORMED_REQUEST),
        (b"GET /healthz HTTP/1.1\nHost: a\n\n", errors.MALFORMED_REQUEST),
        (b"GET /healthz\r\n\r\n", errors.MALFORMED_REQUEST),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", errors.MALFORMED_REQUEST),
        (GET + b"A: b\r\n" * 201 + b"\r\n", errors.HEADERS_TOO_LARGE),
    ],
)
async def test_ambiguous_framing_is_refused(impatient: Gateway, sent: bytes, reason: errors.Reason) -> None:
    (answer,) = await exchange(impatient.port, sent)
    problem(answer, reason)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"\r\nGET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        GET + b"Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n",
        GET + b"A: b\r\n" * 150 + b"Connection: close\r\n\r\n",
    ],
)
async def test_unusual_but_valid_requests_are_answered(impatient: Gateway, sent: bytes) -> None:
    (answer,) = await exchange(impatient.port, sent)
    assert answer.status == 200


async def test_a_trailer_is_not_a_header(impatient: Gateway) -> None:
    body = b'{"slug": "amazon-vs-costco"}'
    sent = UNAUTHENTICATED + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body
    (answer,) = await exchange(impatient.port, sent + b"\r\n0\r\n" + SECRET_HEADER + b"\r\n", most=1)
    assert answer.status == 401


async def test_a_connection_above_the_limit_replaces_an_idle_one_or_is_refused() -> None:
    async with served(MAX_CONNECTIONS="3", HEAD_TIMEOUT_SECONDS="30", BODY_TIMEOUT_SECONDS="30") as running:
        loop = asyncio.get_running_loop()
        async with client_of(running) as first, client_of(running) as second:
            for busy in (first, second):
                await loop.sock_sendall(busy, EVENTS + b"\r\n")
                await loop.sock_recv(busy, MIB)
            # After the busy ones: it takes the place of the readiness probe's connection, should that still be open.
            async with client_of(running) as idle, AsyncExitStack() as opened_later:
                await loop.sock_sendall(idle, GET + b"\r\n")
                await loop.sock_recv(idle, MIB)
                newest = await opened_later.enter_async_context(client_of(running))
                await loop.sock_sendall(newest, EVENTS + b"\r\n")
                assert (await loop.sock_recv(newest, MIB)).startswith(b"HTTP/1.1 200")
                assert b"HTTP/1.1" not in await ended(idle)  # perhaps the rest of its answer, and no refusal
                (refused,) = await exchange(running.port, b"")
    problem(refused, errors.BUSY)
    assert refused.headers["retry-after"] == "1"


@asynccontextmanager
async def _many(running: Gateway, number: int) -> AsyncIterator[list[socket.socket]]:
    async with AsyncExitStack() as ends:
        yield [await ends.enter_async_context(client_of(running, receives=4_096)) for _ in range(number)]
