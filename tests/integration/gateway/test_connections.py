"""Malformed and oversized requests: raw sockets to a real gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from devstack.stores.ports import free_port
from services.common import errors
from services.common.errors import Reason
from tests.integration.gateway.conftest import SECRET
from tests.integration.gateway.data import cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening
from tests.integration.gateway.test_process import gateway, until_ready

HOST = b"Host: gateway\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
SECRET_HEADER = b"X-Warmup-Secret: %s\r\n" % SECRET.encode()
POST = b"POST /api/comparison/warmup HTTP/1.1\r\n" + SECRET_HEADER + b"Content-Type: application/json\r\n" + HOST
MOST = 4_096


@dataclass
class Answer:
    """One HTTP response, parsed from the socket."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    """A gateway that waits for a client on a busy machine, with a small limit for headers."""
    jobs, forecaster, number = FakeJobs(), FakeForecaster(), free_port()
    jobs.replies.update(GetWarmup=warmup(job()))
    forecaster.replies.update(GetForecasts=forecasts(cached()))
    async with (
        listening(jobs, forecaster) as address,
        gateway(
            JOBS_ADDR=address,
            FORECASTER_ADDR=address,
            GATEWAY_PORT=str(number),
            HEAD_TIMEOUT_SECONDS="30",
            BODY_TIMEOUT_SECONDS="30",
            MAX_HEAD_BYTES=str(MOST),
            MAX_BODY_BYTES="100000",
            FORWARDED_ALLOW_IPS="127.0.0.0/8",
            ANONYMOUS_RATE="10000",
        ),
    ):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{number}") as client:
            await until_ready(client)
        yield number


async def exchange(port: int, *sent: bytes, most: int = 10) -> list[Answer]:
    """The responses to the bytes, until the gateway closes the connection or `most` have arrived."""
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for piece in sent:
                writer.write(piece)
                await writer.drain()
            answers: list[Answer] = []
            while len(answers) < most and (head := await reader.readuntil(b"\r\n\r\n")):
                answers.append(await read_answer(head, reader))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()
        return answers


async def read_answer(head: bytes, reader: asyncio.StreamReader) -> Answer:
    """One response, whose head was read."""
    status, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0))))


def problem(answer: Answer, reason: Reason) -> Any:
    """The body of the problem, after a check of the properties that every problem has."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.body)
    assert (answer.status, body["status"], body["title"]) == (reason.http_status, reason.http_status, reason.title)
    assert body["type"] == f"/docs#{reason.slug}"
    assert body["requestId"] == answer.headers["x-request-id"] != ""
    return body


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client\r\n\r\n",
        b"hello\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n",
        b"GET /he althz HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT gateway:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
        GET + b"No colon\r\n\r\n",
        GET + b"A: b\x00c\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        POST + b"Content-Length: -1\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nnot a length\r\n",
    ],
)
async def test_malformed_http_gets_a_problem_and_the_connection_is_closed(port: int, sent: bytes) -> None:
    (answer,) = await exchange(port, sent)
    problem(answer, errors.MALFORMED_REQUEST)
    assert answer.headers["connection"] == "close"


async def test_malformed_bytes_after_a_request_are_refused_after_its_response(port: int) -> None:
    answer, refused = await exchange(port, GET + b"\r\nrubbish\r\n\r\n")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})
    problem(refused, errors.MALFORMED_REQUEST)


@pytest.mark.parametrize(
    "sent",
    [
        [GET + b"A: " + b"b" * MOST + b"\r\n\r\n"],
        [b"GET /" + b"a" * MOST + b" HTTP/1.1\r\n" + HOST + b"\r\n"],
        [GET + b"A: b\r\n" * MOST + b"\r\n"],
        [GET + b"A: ", *[b"b" * 1_000] * 5],
        [GET, *[b"A: " + b"b" * 1_000 + b"\r\n"] * 5],
    ],
)
async def test_endless_headers_are_refused(port: int, sent: list[bytes]) -> None:
    (answer,) = await exchange(port, *sent)
    assert str(MOST) in problem(answer, errors.HEADERS_TOO_LARGE)["detail"]
    assert answer.headers["connection"] == "close"


async def test_a_body_does_not_count_as_headers(port: int) -> None:
    body = b'{"slug": "amazon-vs-costco"}' + b" " * 50_000
    (answer,) = await exchange(port, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body, most=1)
    assert answer.status == HTTPStatus.ACCEPTED


async def test_an_unsupported_upgrade_is_ignored(port: int) -> None:
    (answer,) = await exchange(port, GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", most=1)
    assert answer.status == 200


async def test_a_head_request_gets_the_headers_of_a_problem(port: int) -> None:
    sent = b"HEAD /nothing HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        said = await reader.read()
    writer.close()
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404")
    assert b"application/problem+json" in head
    assert body == b""


@pytest.mark.parametrize(
    "path", [b"*", b"/%ff", b"/api/comparisons/%ff%fe-vs-%00", b"/api/jobs/%2e%2e", b"//", b"/api/jobs/1%2F2"]
)
async def test_unusual_paths_get_problems(port: int, path: bytes) -> None:
    sent = b"GET " + path + b" HTTP/1.1\r\n" + SECRET_HEADER + HOST + b"\r\n"
    (answer,) = await exchange(port, sent, most=1)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status in (400, 404)


async def test_a_trusted_proxy_sets_the_client_address(port: int) -> None:
    async def left(forwarded: bytes) -> int:
        sent = b"GET /nothing HTTP/1.1\r\nX-Forwarded-For: " + forwarded + b"\r\n" + HOST + b"\r\n"
        (answer,) = await exchange(port, sent, most=1)
        return int(answer.headers["ratelimit"].partition(";r=")[2].partition(";")[0])

    assert await left(b"198.51.100.1") == 9_999
    assert await left(b"198.51.100.2, 127.0.0.9") == 9_999


async def test_an_untrusted_peer_cannot_set_the_client_address() -> None:
    assert await _statuses([f"198.51.100.{n}" for n in range(3)]) == [404, 404, 429]


async def test_with_a_star_a_client_cannot_choose_its_address() -> None:
    chosen = [f"198.51.100.{n}, 203.0.113.1" for n in range(3)]
    forwarded = [
        "198.51.100.1, 203.0.113.9",
        "203.0.113.2:80",
        "[2001:db8::1]:80",
        "2001:db8::1",
        "unknown",
        "",
        "2001:DB8:0::1",
    ]
    statuses = await _statuses(chosen + forwarded, FORWARDED_ALLOW_IPS="*")
    assert statuses == [404, 404, 429, 404, 404, 404, 404, 404, 404, 429]


async def _statuses(forwarded: list[str], **environment: str) -> list[int]:
    """The statuses of requests with these X-Forwarded-For headers, where each address may send two requests."""
    number = free_port()
    peers = {"JOBS_ADDR": "127.0.0.1:1", "FORECASTER_ADDR": "127.0.0.1:1", "ANONYMOUS_RATE": "2/60"}
    async with (
        gateway(GATEWAY_PORT=str(number), **peers, **environment),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{number}") as client,
    ):
        await until_ready(client)
        answers = [await client.get("/nothing", headers={"X-Forwarded-For": each}) for each in forwarded]
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize(
    ("trusted", "secure"),
    [
        ("127.0.0.1", {"https": True}),
        ("*", {"https": True, "https, http": False, "gopher": False}),
        ("192.0.2.1", {"https": False}),
        ("", {"https": False}),
    ],
)
async def test_tls_is_believed_from_trusted_proxies_only(trusted: str, secure: dict[str, bool]) -> None:
    number = free_port()
    peers = {"JOBS_ADDR": "127.0.0.1:1", "FORECASTER_ADDR": "127.0.0.1:1", "FORWARDED_ALLOW_IPS": trusted}
    async with (
        gateway(GATEWAY_PORT=str(number), **peers),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{number}") as client,
    ):
        await until_ready(client)
        believed = {}
        for sent in secure:
            headers = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": sent, "Accept": "text/html"}
            response = await client.get("/nothing", headers=headers)
            believed[sent] = "strict-transport-security" in response.headers
    assert believed == secure
