"""The answer to what never reaches the application: a problem like any other, counted and logged."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog

from services.common import errors, telemetry
from services.common.errors import WarmcastError
from services.gateway import access
from services.gateway.middleware import REQUESTS
from services.gateway.problems import problem

log = structlog.get_logger()

MALFORMED = WarmcastError(errors.MALFORMED_REQUEST, "this is not an HTTP/1.1 request that can be read")


def answer(
    error: WarmcastError, default_headers: Sequence[tuple[bytes, bytes]], client: tuple[str, int] | None
) -> bytes:
    """The bytes of an HTTP/1.1 answer that is the last of its connection."""
    identity = telemetry.new_request_id()
    token = telemetry.request_id.set(identity)
    try:
        response = problem(error, {"connection": "close", "x-request-id": identity})
    finally:
        telemetry.request_id.reset(token)
    status = HTTPStatus(response.status_code)
    REQUESTS.labels("none", "other", str(status.value)).inc()
    who: Any = access.who({"client": client})
    log.info("request", method="other", path="", status=status.value, request_id=identity, why=error.detail, **who)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in (*default_headers, *response.raw_headers)]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
