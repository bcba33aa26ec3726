"""/docs: the OpenAPI document as a page. It is served even where the other pages are disabled."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.pages.documentation.view import PLACEHOLDER_ORIGIN, documentation
from services.gateway.pages.policy import transport_security
from services.gateway.pages.site import Site


class DocumentationPage:
    """The page. Its content is rendered once."""

    def __init__(self, site: Site, *, metrics: bool) -> None:
        self._site = site
        self._content = documentation(
            site.templates,
            metrics=metrics,
            origin=site.public_origin or PLACEHOLDER_ORIGIN,
            keys_configured=site.keys_configured,
        )
        self._anonymous = site.anonymous(self._content)

    async def page(self, request: Request) -> Response:
        """The page for this reader. It needs no login."""
        if self._site.sessions.read(request) is None:
            return self._anonymous.respond(request.scope["headers"], transport_security(request.scope))
        return self._site.respond(request, self._content)
