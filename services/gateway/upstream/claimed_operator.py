"""`X-Warmcast-Operator`: the name that a caller with the warmup secret gives for the audit. Nothing verifies it.

A context variable carries it to the calls that the request makes, so that no client method needs a parameter for it.
"""

from __future__ import annotations

from contextvars import ContextVar

from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import invalid
from services.common.rpc import metadata
from services.gateway.http.handler import SecretHandler

HEADER = "X-Warmcast-Operator"

_current: ContextVar[str | None] = ContextVar("claimed_operator", default=None)


def with_operator(handler: SecretHandler) -> SecretHandler:
    """`handler` with support for the header."""

    async def named(request: Request, secret: str) -> Response:
        given = request.headers.getlist(HEADER)
        if len(given) > 1:
            raise invalid(HEADER, f"send {HEADER} once")
        token = _current.set(metadata.claimed_operator(given[0], field=HEADER) if given else None)
        try:
            return await handler(request, secret)
        finally:
            _current.reset(token)

    return named


def current() -> str | None:
    """Who makes the current request, as the audit records it; None without a name."""
    return _current.get()
