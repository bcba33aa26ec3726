"""JSON responses."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder()


def json_response(body: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response with `Cache-Control: no-store`."""
    sent = {"cache-control": "no-store", **(headers or {})}
    return Response(encode(body), status, sent, "application/json")


def encode(body: msgspec.Struct) -> bytes:
    """Encodes a body."""
    return _ENCODER.encode(body)
