"""`Idempotency-Key`, after draft-ietf-httpapi-idempotency-key-header: checked here; jobs stores the responses.

A context variable carries the key to the calls that a POST makes, so that no client method needs a parameter for it.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

import grpc
from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import invalid
from services.common.rpc import metadata
from services.gateway.http.handler import SecretHandler

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


@dataclass
class KeyedRequest:
    """One request with an idempotency key."""

    key: str
    replayed: bool = False  # the response is that of an earlier request


_current: ContextVar[KeyedRequest | None] = ContextVar("keyed_request", default=None)


def idempotent(handler: SecretHandler) -> SecretHandler:
    """`handler` with support for the header; it may call each method that changes state once."""

    async def with_key(request: Request, secret: str) -> Response:
        key = idempotency_key(request.headers.getlist(HEADER))
        if not key:
            return await handler(request, secret)
        keyed = KeyedRequest(key)
        token = _current.set(keyed)
        try:
            response = await handler(request, secret)
        finally:
            _current.reset(token)
        if keyed.replayed:
            response.headers[REPLAYED] = "true"
        return response

    return with_key


def idempotency_key(given: list[str]) -> str:
    """The key of the header, without the draft's quotes; empty where the header is missing."""
    if not given:
        return ""
    quoted = _QUOTED.fullmatch(given[0].strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else given[0].strip()
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise invalid(HEADER, f"send {HEADER} once, with 1 to 255 visible ASCII characters and no spaces")
    return key


def outgoing() -> metadata.Metadata:
    """Metadata for the call of the current request."""
    keyed = _current.get()
    return () if keyed is None else ((metadata.IDEMPOTENCY_KEY, keyed.key),)


async def record_replay(call: grpc.aio.Call) -> None:
    """Records whether the response of that call is a stored one."""
    keyed = _current.get()
    if keyed is not None:
        trailing = await call.trailing_metadata()
        keyed.replayed = metadata.read(trailing, metadata.IDEMPOTENCY_REPLAYED) == "true"
