from __future__ import annotations

import json

import pytest

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.common.telemetry import trace_context
from services.gateway.http.problems import problem


@pytest.mark.parametrize("reason", errors.REASONS.values(), ids=lambda reason: reason.slug)
def test_every_reason_is_a_problem(reason: errors.Reason) -> None:
    token = trace_context.request_id.set("request-1")
    try:
        response = problem(WarmcastError(reason, "a detail"))
    finally:
        trace_context.request_id.reset(token)
    assert response.status_code == reason.http_status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(bytes(response.body)) == {
        "type": f"/docs#{reason.slug}",
        "title": reason.title,
        "status": reason.http_status,
        "detail": "a detail",
        "requestId": "request-1",
    }
    assert ("www-authenticate" in response.headers) == (reason.http_status == 401)


def test_invalid_parameters_are_named() -> None:
    body = json.loads(bytes(problem(invalid("tf", "unknown timeframe")).body))
    assert body["errors"] == [{"field": "tf", "detail": "unknown timeframe"}]


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (300, "300")])
def test_retry_after_is_rounded_up(seconds: float, header: str) -> None:
    response = problem(WarmcastError(errors.UNAVAILABLE, "later", retry_after=seconds))
    assert response.headers["retry-after"] == header


def test_extra_headers_are_sent() -> None:
    assert problem(WarmcastError(errors.METHOD_NOT_ALLOWED, "no"), {"allow": "GET"}).headers["allow"] == "GET"


def test_a_lone_surrogate_in_a_detail_is_replaced() -> None:
    body = json.loads(bytes(problem(invalid("\udfff", "unknown timeframe “\ud800”")).body))
    assert body["detail"] == "unknown timeframe “?”"
    assert body["errors"] == [{"field": "?", "detail": "unknown timeframe “?”"}]
