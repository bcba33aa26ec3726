"""A connection that is too slow is closed; an event stream is not, while its client reads."""

from __future__ import annotations

import asyncio
import socket

import pytest

from services.common import errors
from tests.integration.gateway.hostile.clients import (
    CHUNKED,
    EVENTS,
    LARGE_ANSWERS,
    LATE,
    MIB,
    UNAUTHENTICATED,
    Gateway,
    client_of,
    ended,
    flood,
    is_gone,
    served,
)
from tests.integration.gateway.test_connections import GET, POST, exchange, problem, read_answer
from tests.waiting import wait_until_async


@pytest.mark.parametrize("sent", [b"", b"GET /hea", GET + b"A: b\r\nC"])
async def test_late_headers_get_408(shared_gateway: Gateway, sent: bytes) -> None:
    (answer,) = await exchange(shared_gateway.port, sent)
    assert problem(answer, errors.REQUEST_TIMEOUT)["detail"] == "the request's headers did not arrive within 0.5 s"


async def test_late_headers_of_a_second_request_get_408(shared_gateway: Gateway) -> None:
    first, second = await exchange(shared_gateway.port, GET + b"\r\n" + GET)
    assert first.status == 200
    problem(second, errors.REQUEST_TIMEOUT)


async def test_an_idle_connection_is_kept(shared_gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_gateway.port)
    try:
        async with asyncio.timeout(60):
            for _ in range(2):
                writer.write(GET + b"\r\n")
                assert (await read_answer(await reader.readuntil(b"\r\n\r\n"), reader)).status == 200
                with pytest.raises(TimeoutError):  # longer than the timeout of a head
                    async with asyncio.timeout(0.7):
                        await reader.read(1)
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
async def test_a_late_body_gets_408(shared_gateway: Gateway, sent: bytes) -> None:
    (answer,) = await exchange(shared_gateway.port, POST + sent)
    assert "the body did not arrive within 0.5 s; 1 bytes" in problem(answer, errors.REQUEST_TIMEOUT)["detail"]
    assert answer.headers["connection"] == "close"


async def test_a_slow_reader_is_closed(shared_gateway: Gateway) -> None:
    async with client_of(shared_gateway, receives=4_096) as client:
        await flood(client, LARGE_ANSWERS, 1)
        loop = asyncio.get_running_loop()

        async def gone() -> bool:
            await loop.sock_recv(client, 1)
            return await is_gone(client)

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
async def test_an_incomplete_request_is_closed_after_its_response(
    shared_gateway: Gateway, sent: tuple[bytes, ...]
) -> None:
    loop = asyncio.get_running_loop()
    async with client_of(shared_gateway) as client:
        got = b""
        for piece in sent:
            await loop.sock_sendall(client, piece)
            got = got or await loop.sock_recv(client, MIB)
        assert got.startswith((b"HTTP/1.1 200", b"HTTP/1.1 401"))
        await ended(client)


async def test_a_dripping_body_is_closed(shared_gateway: Gateway) -> None:
    loop = asyncio.get_running_loop()
    async with client_of(shared_gateway) as client:
        await loop.sock_sendall(client, CHUNKED)

        async def gone() -> bool:
            try:
                await loop.sock_sendall(client, b"1\r\n \r\n")
            except OSError:
                return True
            return await is_gone(client)

        await wait_until_async(gone, 10, "the gateway ends the connection")


async def test_a_half_closed_connection_is_closed(shared_gateway: Gateway) -> None:
    async with client_of(shared_gateway) as client:
        await asyncio.get_running_loop().sock_sendall(client, GET)
        client.shutdown(socket.SHUT_WR)
        assert await ended(client) == b""


@pytest.mark.slow
async def test_an_event_stream_outlives_every_deadline() -> None:
    async with served(EVENT_HEARTBEAT_SECONDS="0.2") as running, client_of(running) as client:
        loop, got = asyncio.get_running_loop(), b""
        await loop.sock_sendall(client, EVENTS + b"\r\n")
        async with asyncio.timeout(60):
            while got.count(b"heartbeat") < 10 * LATE / 0.2:
                piece = await loop.sock_recv(client, MIB)
                assert piece
                got += piece


@pytest.mark.slow
async def test_an_unread_event_stream_is_closed() -> None:
    async with served(EVENT_HEARTBEAT_SECONDS="0.002") as running, client_of(running, receives=2_048) as client:
        await asyncio.get_running_loop().sock_sendall(client, EVENTS + b"\r\n")
        await ended(client, reads=False)
