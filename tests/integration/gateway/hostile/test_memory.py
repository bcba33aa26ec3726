"""A connection that only sends, or does not read, holds little memory."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.gateway.hostile.clients import (
    CHUNKED,
    ENOUGH,
    EVENTS,
    LARGE_ANSWERS,
    MIB,
    PREMIUM,
    SLOW,
    UNAUTHENTICATED,
    Gateway,
    client_of,
    ended,
    flood,
    many,
    served,
)
from tests.integration.gateway.test_connections import GET
from tests.integration.gateway.test_process import PATH


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
async def test_a_connection_that_only_sends_holds_little_memory(
    shared_gateway: Gateway, first: bytes, piece: bytes
) -> None:
    before = shared_gateway.resident()
    async with client_of(shared_gateway, receives=4_096) as client:
        await asyncio.get_running_loop().sock_sendall(client, first)
        sent = await flood(client, piece)
        used = shared_gateway.resident() - before
        await ended(client, reads=False)
    assert sent < ENOUGH
    assert used < 4 * MIB


async def test_requests_pipelined_behind_an_event_stream_stay_unread(shared_gateway: Gateway) -> None:
    for _ in range(2):  # the first event stream of a process also loads modules, which are not part of the connection
        before = shared_gateway.resident()
        async with client_of(shared_gateway) as client:
            await asyncio.get_running_loop().sock_sendall(client, EVENTS + b"\r\n")
            assert await flood(client, PREMIUM * 100) < ENOUGH
            used = shared_gateway.resident() - before
    assert used < 4 * MIB


@pytest.mark.slow
async def test_a_hundred_pipelining_connections_hold_little_memory() -> None:
    async with served(WRITE_TIMEOUT_SECONDS="30") as running:
        assert await running.status(PATH) == 200
        before = running.resident()
        async with many(running, 100) as clients:
            await asyncio.gather(*(flood(client, LARGE_ANSWERS + PREMIUM * 1_000) for client in clients))
            used = running.resident() - before
            assert await running.status(PATH) == 200
    assert used < 64 * MIB
