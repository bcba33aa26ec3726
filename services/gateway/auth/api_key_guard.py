"""Requires an API key on a route, where keys are configured."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.middleware import KEY_HEADER
from services.gateway.http.access_log import API_KEY_NAME
from services.gateway.http.handler import Handler

_VARY = (b"vary", b"x-api-key, authorization")


@dataclass(frozen=True)
class ApiKeyGuard:
    """Refuses requests without a valid API key; lets every request through if no keys are configured."""

    configured: bool

    def __call__(self, handler: Handler) -> Handler:
        """`handler` behind the check; its responses vary by the key."""
        if not self.configured:
            return handler

        async def guarded(request: Request) -> Response:
            if API_KEY_NAME not in request.scope:
                raise WarmcastError(
                    errors.API_KEY_REQUIRED,
                    f"send a valid API key as {KEY_HEADER} or as Authorization: Bearer",
                )
            response = await handler(request)
            response.raw_headers.append(_VARY)
            return response

        return guarded
