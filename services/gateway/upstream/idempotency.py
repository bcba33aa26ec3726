"""`Idempotency-Key`, after draft-ietf-httpapi-idempotency-key-header: checked here, kept by jobs.

The key travels beside the one call that a POST leads to, in a context variable: every operator's call could otherwise
only be made with one more parameter that nearly none has.
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
from services.gateway.auth.warmup_secret import GuardedHandler

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


@dataclass
class Repeat:
    """One request under a key."""

    key: str
    replayed: bool = False  # jobs had the answer already


_present: ContextVar[Repeat | None] = ContextVar("repeat", default=None)


def repeatable(handler: GuardedHandler) -> GuardedHandler:
    """`handler`, which makes one call that changes something: a repeated request is answered as the first one was."""

    async def repeated(request: Request, secret: str) -> Response:
        key = idempotency_key(request.headers.getlist(HEADER))
        if not key:
            return await handler(request, secret)
        repeat = Repeat(key)
        token = _present.set(repeat)
        try:
            response = await handler(request, secret)
        finally:
            _present.reset(token)
        if repeat.replayed:
            response.headers[REPLAYED] = "true"
        return response

    return repeated


def idempotency_key(given: list[str]) -> str:
    """The key that was sent; empty where none was. The draft's quotes around it are no part of it."""
    if not given:
        return ""
    quoted = _QUOTED.fullmatch(given[0].strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else given[0].strip()
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise invalid(HEADER, f"{HEADER} is given once, with 1 to 255 visible ASCII characters and no spaces")
    return key


def outgoing() -> metadata.Metadata:
    """What goes beside the call of a request under a key."""
    repeat = _present.get()
    return () if repeat is None else ((metadata.IDEMPOTENCY_KEY, repeat.key),)


async def note(call: grpc.aio.Call) -> None:
    """Notes whether the answer of that call was a kept one."""
    repeat = _present.get()
    if repeat is not None:
        trailing = await call.trailing_metadata()
        repeat.replayed = metadata.read(trailing, metadata.IDEMPOTENCY_REPLAYED) == "true"
