"""Routes for health, metrics and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.http.readiness import Health, Readiness
from services.gateway.routes.responses import json_response

_DOCUMENTS = {"cache-control": "max-age=300"}


@dataclass(frozen=True)
class ServiceRoutes:
    """Routes about the gateway itself."""

    readiness: Readiness
    stalled: Callable[[], Sequence[str]]  # names of background loops without progress
    openapi: bytes  # the document as JSON

    async def alive(self, _request: Request) -> Response:
        """200 while the background loops make progress, else 503."""
        if stalled := self.stalled():
            raise WarmcastError(errors.UNAVAILABLE, f"background loops without progress: {', '.join(stalled)}")
        return json_response(Health("ok"))

    async def ready(self, _request: Request) -> Response:
        """200 after the start, 503 while draining. Independent of other services, because stale copies need none."""
        if self.readiness.ready:
            return json_response(Health("ready"))
        raise WarmcastError(errors.UNAVAILABLE, "this gateway is starting or draining; use another one", retry_after=5)

    async def metrics(self, _request: Request) -> Response:
        """Prometheus text."""
        return Response(generate_latest(), headers={"cache-control": "no-store", "content-type": CONTENT_TYPE_LATEST})

    async def document(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return Response(self.openapi, headers=_DOCUMENTS, media_type="application/json")

    async def home(self, _request: Request) -> Response:
        """Redirects to the documentation."""
        return RedirectResponse("/docs", 307)
