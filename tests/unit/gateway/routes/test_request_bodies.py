from __future__ import annotations

import json

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.routes.requests import request_bodies
from services.gateway.routes.requests.request_bodies import BodyBounds


def _request(chunks: list[bytes], **headers: str) -> tuple[Request, list[bytes]]:
    """A request with a body of `chunks`, and the chunks that are not read yet."""
    left = list(chunks)

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive), left


async def test_a_body_within_the_limit_is_read() -> None:
    request, _ = _request([b"ab", b"", b"cd"])
    assert await request_bodies.read_body(request, BodyBounds(4, 10)) == b"abcd"


async def test_a_body_above_the_limit_is_refused_early() -> None:
    request, left = _request([b"x" * 600] * 100)
    with pytest.raises(WarmcastError) as raised:
        await request_bodies.read_body(request, BodyBounds(1_024, 10))
    assert raised.value.reason is errors.TOO_LARGE
    assert len(left) == 98


async def test_a_declared_length_above_the_limit_is_refused() -> None:
    request, left = _request([b"x"], content_length="1025")
    with pytest.raises(WarmcastError) as raised:
        await request_bodies.read_body(request, BodyBounds(1_024, 10))
    assert raised.value.reason is errors.TOO_LARGE
    assert len(left) == 1


SERIES = {"terms": ["a", "b"], "points": [{"date": "2026-01-04", "values": [1, 2.5]}]}


def test_a_series() -> None:
    body = request_bodies.from_json(json.dumps(SERIES).encode(), request_bodies.SeriesBody)
    message = request_bodies.series(body)
    assert list(message.terms) == ["a", "b"]
    assert [(point.date, list(point.values)) for point in message.points] == [("2026-01-04", [1.0, 2.5])]


def test_a_null_is_a_missing_value() -> None:
    text = json.dumps(SERIES).replace("2.5", "null")
    (point,) = request_bodies.series(request_bodies.from_json(text.encode(), request_bodies.SeriesBody)).points
    assert (len(point.values), point.values[0], list(point.missing)) == (2, 1.0, [1])


@pytest.mark.parametrize("date", ["1736035200", "1736035200.0", "1.7360352e9"])
def test_a_date_may_be_a_number(date: str) -> None:
    text = json.dumps(SERIES).replace('"2026-01-04"', date)
    assert (
        request_bodies.series(request_bodies.from_json(text.encode(), request_bodies.SeriesBody)).points[0].date
        == "1736035200"
    )


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_names_its_place(value: str) -> None:
    text = json.dumps(SERIES).replace("2.5", value)
    with pytest.raises(WarmcastError) as raised:
        request_bodies.series(request_bodies.from_json(text.encode(), request_bodies.SeriesBody))
    assert raised.value.fields[0][0] == "points[0].values[1]"
    assert "2026-01-04" in raised.value.detail


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"terms": ["a", "b"], "points": [{"date": "d", "values": [1, "x"]}]}', "points[0].values[1]"),
        ('{"terms": ["a", "b"], "points": [{"date": "d", "values": [1, {}]}]}', "points[0].values[1]"),
        ('{"terms": ["a", "b"], "points": [{"date": true, "values": []}]}', "points[0].date"),
        ('{"terms": ["a", "b"], "points": [{"date": null, "values": []}]}', "points[0].date"),
        ('{"terms": "a", "points": []}', "terms"),
        ('{"terms": []}', "points"),
        ('{"terms": [], "points": [{"date": "d"}]}', "points[0].values"),
        ("[]", "body"),
        ("null", "body"),
        ('{"terms": [], "points": [{"date": "d", "values": [1' + "0" * 400 + "]}]}", "points[0].values[0]"),
    ],
)
def test_a_wrong_type_names_its_place(text: str, field: str) -> None:
    with pytest.raises(WarmcastError) as raised:
        request_bodies.series(request_bodies.from_json(text.encode(), request_bodies.SeriesBody))
    assert raised.value.reason is errors.INVALID_ARGUMENT
    assert raised.value.fields[0][0] == field


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": 1' + b"0" * 5_000 + b"}"])
def test_invalid_json(content: bytes) -> None:
    with pytest.raises(WarmcastError) as raised:
        request_bodies.from_json(content, request_bodies.SeriesBody)
    assert raised.value.reason is errors.UNREADABLE_INPUT


@pytest.mark.parametrize(
    "content",
    [
        b'{"slug": "\\ud800-vs-b"}',
        b'{"slug": "a-vs-b", "geo": "\\udfff"}',
        b'{"slug": "a-vs-b", "\\ud800": 1}',
        b'{"slug": "\xed\xa0\x80-vs-b"}',
    ],
)
def test_a_lone_surrogate_is_refused(content: bytes) -> None:
    with pytest.raises(WarmcastError) as raised:
        request_bodies.from_json(content, request_bodies.TriggerBody)
    assert (raised.value.reason, raised.value.fields[0][0]) == (errors.INVALID_ARGUMENT, "body")


def test_a_surrogate_pair_is_accepted() -> None:
    body = request_bodies.from_json(b'{"slug": "\\ud83d\\ude00"}', request_bodies.TriggerBody)
    assert body.slug == "😀"
