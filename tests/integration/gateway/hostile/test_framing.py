"""Pipelined, unusual and ambiguous requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.common import errors
from tests.integration.gateway.hostile.clients import (
    CHUNKED,
    UNAUTHENTICATED,
    Gateway,
    served,
)
from tests.integration.gateway.test_connections import GET, POST, SECRET_HEADER, exchange, problem


@pytest.fixture(scope="module")
async def patient_gateway() -> AsyncIterator[Gateway]:
    """A gateway that waits for a client on a busy machine."""
    async with served(HEAD_TIMEOUT_SECONDS="30", BODY_TIMEOUT_SECONDS="30", WRITE_TIMEOUT_SECONDS="30") as running:
        yield running


async def test_pipelined_requests_are_all_answered_in_order(patient_gateway: Gateway) -> None:
    known, unknown = b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /x HTTP/1.1\r\n\r\n"
    answers = await exchange(patient_gateway.port, (known + unknown) * 4_500, most=9_000)
    assert [answer.status for answer in answers] == [200, 404] * 4_500


async def test_pipelined_requests_with_bodies_are_answered(patient_gateway: Gateway) -> None:
    body = b'{"slug": "amazon-vs-costco"}'
    counted = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = CHUNKED + b"%x;a=b\r\n" % len(body) + body + b"\r\n0\r\nTrailer: x\r\n\r\n"
    whole = (counted + chunked + GET + b"\r\n") * 3
    expected = [202, 202, 200] * 3
    for cut in (len(whole), 1, 7):
        pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
        answers = await exchange(patient_gateway.port, *pieces, most=len(expected))
        assert [answer.status for answer in answers] == expected


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
async def test_ambiguous_framing_is_refused(patient_gateway: Gateway, sent: bytes, reason: errors.Reason) -> None:
    (answer,) = await exchange(patient_gateway.port, sent)
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
async def test_unusual_but_valid_requests_are_answered(patient_gateway: Gateway, sent: bytes) -> None:
    (answer,) = await exchange(patient_gateway.port, sent)
    assert answer.status == 200


async def test_a_trailer_is_not_a_header(patient_gateway: Gateway) -> None:
    body = b'{"slug": "amazon-vs-costco"}'
    sent = UNAUTHENTICATED + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body
    (answer,) = await exchange(patient_gateway.port, sent + b"\r\n0\r\n" + SECRET_HEADER + b"\r\n", most=1)
    assert answer.status == 401
