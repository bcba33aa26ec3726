"""Requires a secret on a route: the warmup secret, or to read also the operators' read secret."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.server.interceptors import authorise, is_one_of
from services.gateway.http.handler import Handler, SecretHandler

HEADER = "X-Warmup-Secret"


@dataclass(frozen=True)
class SecretGuard:
    """Refuses requests without an accepted secret, before anything else of the request is read."""

    accepted: tuple[str, ...]
    reading: tuple[str, ...] = ()  # secrets that only read

    def __call__(self, handler: SecretHandler) -> Handler:
        """`handler` behind the warmup secret, which it gets, because jobs checks it again."""

        async def guarded(request: Request) -> Response:
            given = request.headers.get(HEADER, "")
            if is_one_of(given, self.reading):
                raise WarmcastError(
                    errors.FORBIDDEN, "OPERATOR_READ_SECRET allows reading only; send the warmup secret to do this"
                )
            authorise(given, self.accepted)
            return await handler(request, given)

        return guarded

    def read(self, handler: Handler) -> Handler:
        """`handler`, which only reads, behind either secret."""
        accepted = (*self.accepted, *self.reading)

        async def guarded(request: Request) -> Response:
            authorise(request.headers.get(HEADER, ""), accepted)
            return await handler(request)

        return guarded
