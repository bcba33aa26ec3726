"""Routes that need an API key where keys are configured."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.middleware import KEY_HEADER
from services.gateway.auth.warmup_secret import Handler
from services.gateway.http.access_log import CALLER

_VARY = (b"vary", b"x-api-key, authorization")  # beside what else the answer depends on


@dataclass(frozen=True)
class KeyGuard:
    """Lets a request through with a valid API key; every request where no keys are configured."""

    configured: bool

    def __call__(self, handler: Handler) -> Handler:
        """`handler` behind the check; its answers say that they depend on the key."""
        if not self.configured:
            return handler

        async def guarded(request: Request) -> Response:
            if CALLER not in request.scope:
                raise WarmcastError(
                    errors.API_KEY_REQUIRED,
                    f"a valid API key is needed here, as {KEY_HEADER} or as Authorization: Bearer",
                )
            response = await handler(request)
            response.raw_headers.append(_VARY)
            return response

        return guarded
