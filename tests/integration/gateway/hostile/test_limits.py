"""Clients that occupy connections do not block others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from services.common import errors
from tests.integration.gateway.hostile.clients import (
    EVENTS,
    LARGE_ANSWERS,
    MIB,
    client_of,
    ended,
    flood,
    many,
    served,
)
from tests.integration.gateway.test_connections import GET, exchange, problem
from tests.integration.gateway.test_process import PATH


@pytest.mark.slow
async def test_clients_that_do_not_read_are_closed_and_block_no_others() -> None:
    async with served(MAX_IN_FLIGHT="5", WRITE_TIMEOUT_SECONDS="2") as running, many(running, 20) as clients:
        await asyncio.gather(*(flood(client, LARGE_ANSWERS, 1) for client in clients))
        assert await running.status(PATH) == 200
        for client in clients:
            await ended(client, reads=False)


async def test_a_connection_above_the_limit_replaces_an_idle_one_or_is_refused() -> None:
    async with served(MAX_CONNECTIONS="3", HEAD_TIMEOUT_SECONDS="30", BODY_TIMEOUT_SECONDS="30") as running:
        loop = asyncio.get_running_loop()
        async with client_of(running) as first, client_of(running) as second:
            for busy in (first, second):
                await loop.sock_sendall(busy, EVENTS + b"\r\n")
                await loop.sock_recv(busy, MIB)
            # Opened after the busy ones, so that it replaces the readiness probe's connection if that is still open.
            async with client_of(running) as idle, AsyncExitStack() as opened_later:
                await loop.sock_sendall(idle, GET + b"\r\n")
                await loop.sock_recv(idle, MIB)
                newest = await opened_later.enter_async_context(client_of(running))
                await loop.sock_sendall(newest, EVENTS + b"\r\n")
                assert (await loop.sock_recv(newest, MIB)).startswith(b"HTTP/1.1 200")
                assert b"HTTP/1.1" not in await ended(idle)  # the rest of its answer at most, and no error
                (refused,) = await exchange(running.port, b"")
    problem(refused, errors.BUSY)
    assert refused.headers["retry-after"] == "1"
