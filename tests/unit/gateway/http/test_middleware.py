"""Requests that the server cancels."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from services.gateway.http.middleware import ErrorResponses, RequestContext

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def nothing() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_request_that_outlasts_the_drain_gets_503() -> None:
    sent: list[Message] = []

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def send(message: Message) -> None:
        sent.append(message)

    request = asyncio.create_task(RequestContext(ErrorResponses(never))(dict(SCOPE), nothing, send))
    await asyncio.sleep(0)
    request.cancel()
    await request
    start, body = sent
    headers: dict[bytes, Any] = dict(start["headers"])
    assert (start["status"], headers[b"content-type"]) == (503, b"application/problem+json")
    assert headers[b"retry-after"] == b"1"
    assert json.loads(body["body"])["status"] == 503


async def test_a_started_response_is_not_followed_by_a_problem() -> None:
    async def begins(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    request = asyncio.create_task(RequestContext(ErrorResponses(begins))(dict(SCOPE), nothing, send))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert len(sent) == 1
