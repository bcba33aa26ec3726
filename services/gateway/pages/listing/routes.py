"""The first page: search and list of comparisons."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import invalid
from services.gateway.pages.listing.view import card
from services.gateway.pages.rendering import Content
from services.gateway.pages.site import Site
from services.gateway.routes.requests.parameters import cursor, single
from services.gateway.upstream.clients import Jobs

_PAGE = 24
_MAX_QUERY = 100


@dataclass(frozen=True)
class ListingPages:
    """The list. One RPC fills a page."""

    site: Site
    jobs: Jobs

    async def index(self, request: Request) -> Response:
        """A page of comparisons, of all or of those that a query finds."""
        self.site.check_reader(request)
        query = (single(request.query_params, "q") or "").strip()
        if len(query) > _MAX_QUERY:
            raise invalid("q", f"q is longer than {_MAX_QUERY} characters")
        after = cursor(request.query_params)
        found = await self.jobs.search_comparisons(limit=_PAGE, cursor=after, query=query)
        search = {"q": query} if query else {}
        first, following = _address(search), _address({**search, "cursor": found.next_page_token})
        session = self.site.sessions.read(request)
        main = self.site.templates.render(
            "listing.html",
            cards=[card(summary, time.time()) for summary in found.comparisons],
            query=query,
            logged_in=session is not None,
            may_write=session is not None and session.may_write,
            login=self.site.sessions.configured,
            first="" if not after else first,
            next=following if found.next_page_token else "",
        )
        title = f"Comparisons with “{query}”" if query else "Comparisons"
        description = "Two search terms over time, and where they go next."
        return self.site.respond(
            request,
            Content(title, main, description, path=first, script="list.js", style="list.css", query=query),
        )


def _address(parameters: dict[str, str]) -> str:
    return f"/?{urlencode(parameters)}" if parameters else "/"
