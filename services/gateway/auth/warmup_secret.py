"""Requires the warmup secret on a route."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common.rpc.server.interceptors import authorise
from services.gateway.http.handler import Handler, SecretHandler

HEADER = "X-Warmup-Secret"


@dataclass(frozen=True)
class SecretGuard:
    """Refuses requests without an accepted secret; passes the secret on, because jobs checks it again."""

    accepted: tuple[str, ...]

    def __call__(self, handler: SecretHandler) -> Handler:
        """`handler` behind the check, which runs before anything else of the request is read."""

        async def guarded(request: Request) -> Response:
            given = request.headers.get(HEADER, "")
            authorise(given, self.accepted)
            return await handler(request, given)

        return guarded
