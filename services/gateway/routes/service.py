"""Health, metrics and the documentation of the service itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.routes import responses

_DOCUMENTS = {"cache-control": "max-age=300"}


@dataclass
class Readiness:
    """Whether requests should come here."""

    ready: bool = False


@dataclass(frozen=True)
class ServiceRoutes:
    """Everything that is not about comparisons."""

    readiness: Readiness
    stalled: Callable[[], Sequence[str]]  # background loops that make no progress
    openapi: bytes  # the document as JSON
    page: bytes  # the document as HTML
    page_policy: str  # its Content-Security-Policy

    async def alive(self, _request: Request) -> Response:
        """200 for as long as the process can answer and its background loops make progress."""
        if stalled := self.stalled():
            raise WarmcastError(errors.UNAVAILABLE, f"no progress in the background: {', '.join(stalled)}")
        return responses.answer({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """200 once started, 503 while draining. It follows no store: memory answers while those are away."""
        if self.readiness.ready:
            return responses.answer({"status": "ready"})
        raise WarmcastError(errors.UNAVAILABLE, "this gateway is starting or stopping", retry_after=5)

    async def metrics(self, _request: Request) -> Response:
        """Prometheus text."""
        return Response(generate_latest(), headers={"cache-control": "no-store", "content-type": CONTENT_TYPE_LATEST})

    async def document(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return Response(self.openapi, headers=_DOCUMENTS, media_type="application/json")

    async def docs(self, _request: Request) -> Response:
        """The document as a page that needs nothing else."""
        headers = {
            **_DOCUMENTS,
            "content-security-policy": self.page_policy,
            "referrer-policy": "no-referrer",
            "x-frame-options": "DENY",
        }
        return Response(self.page, headers=headers, media_type="text/html")

    async def home(self, _request: Request) -> Response:
        """Leads to the documentation until there is a page of its own."""
        return RedirectResponse("/docs", 307)
