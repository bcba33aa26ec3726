"""CORS: Starlette's middleware, with refusals as problem+json."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.http.problems import problem

METHODS = ("GET", "HEAD", "POST", "PUT")
# Headers that a page may send and read, beyond the CORS-safelisted ones.
SENT = (
    "Authorization",
    "Cache-Control",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Traceparent",
    "X-API-Key",
    "X-Request-Id",
    "X-Warmcast-Operator",
    "X-Warmup-Secret",
)
READ = (
    "Age",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)


class Cors(CORSMiddleware):
    """Answers preflights and adds CORS headers for the configured origins, under /api only.

    Credentials (cookies) are not allowed.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(app, allow_origins=origins, allow_methods=METHODS, allow_headers=SENT, expose_headers=READ)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["path"].startswith("/api/"):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """204 with the allowed methods and headers, or 403 with the ones that are not allowed."""
        response = super().preflight_response(request_headers)
        allowed = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        if response.status_code < 400:
            return Response(status_code=204, headers=allowed)
        wrong = bytes(response.body).decode().removeprefix("Disallowed CORS ")
        detail = f"the CORS settings do not allow this request; not allowed: {wrong}"
        return problem(WarmcastError(errors.CORS_REFUSED, detail), allowed)
