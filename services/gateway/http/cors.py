"""Which pages of other origins may call: Starlette's middleware, with refusals as problems."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.http.problems import problem

METHODS = ("GET", "HEAD", "POST", "PUT")
# What a page may send and read beyond what every page may.
SENT = (
    "Authorization",
    "Cache-Control",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Traceparent",
    "X-API-Key",
    "X-Request-Id",
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
    """Answers preflights and marks answers for the configured origins. No cookie is used, so none is let through."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(app, allow_origins=origins, allow_methods=METHODS, allow_headers=SENT, expose_headers=READ)

    def preflight_response(self, request_headers: Headers) -> Response:
        """204 with what is allowed, or 403 with what of it is not."""
        made = super().preflight_response(request_headers)
        allowed = {name: value for name, value in made.headers.items() if not name.startswith("content-")}
        if made.status_code < 400:
            return Response(status_code=204, headers=allowed)
        wrong = bytes(made.body).decode().removeprefix("Disallowed CORS ")
        detail = f"a page of another origin may not do this here; what is not allowed: {wrong}"
        return problem(WarmcastError(errors.CORS_REFUSED, detail), allowed)
