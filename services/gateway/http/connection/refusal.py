"""Responses of the connection itself to requests that never reach the application; logged and counted too."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry import trace_context
from services.gateway.http import access_log
from services.gateway.http.middleware import REQUESTS
from services.gateway.http.problems import problem

log = structlog.get_logger()

MALFORMED = WarmcastError(errors.MALFORMED_REQUEST, "the bytes received are not a valid HTTP/1.1 request")


def refusal(
    error: WarmcastError, default_headers: Sequence[tuple[bytes, bytes]], client: tuple[str, int] | None
) -> bytes:
    """The bytes of an HTTP/1.1 response that closes its connection."""
    identity = trace_context.new_request_id()
    token = trace_context.request_id.set(identity)
    try:
        response = problem(error, {"connection": "close", "x-request-id": identity})
    finally:
        trace_context.request_id.reset(token)
    status = HTTPStatus(response.status_code)
    REQUESTS.labels("none", "other", str(status.value)).inc()
    scope: Any = {"client": client}
    log.info(
        "request",
        method="other",
        path="",
        status=status.value,
        request_id=identity,
        why=error.detail,
        **access_log.client_fields(scope),
    )
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in (*default_headers, *response.raw_headers)]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
