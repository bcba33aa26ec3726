"""The overview and its live part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import invalid
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.operations.frame.console import ROOT, Console, View
from services.gateway.pages.operations.overview.facts import fetch
from services.gateway.pages.operations.overview.view import WINDOW_WORDS, WINDOWS, overview
from services.gateway.routes.requests.parameters import single


@dataclass(frozen=True)
class OverviewPages:
    """The first page of the console."""

    console: Console
    clients: Clients

    async def page(self, request: Request) -> Response:
        """The whole page. It answers 200 whatever is away, and says what is."""
        window = _window(request)
        live = await self._live(request, window)
        view = View("Overview", "Overview", live, f"{ROOT}/fragment?window={window}", script="overview.js")
        return self.console.respond(request, view)

    async def fragment(self, request: Request) -> Response:
        """The live part."""
        return self.console.fragment(request, await self._live(request, _window(request)))

    async def _live(self, request: Request, window: str) -> Markup:
        facts = await fetch(self.clients, WINDOWS[window])
        shown = overview(facts, datetime.now(UTC))
        return self.console.render(
            "operations/overview/live.html", request, view=shown, window=window, windows=WINDOW_WORDS, root=ROOT
        )


def _window(request: Request) -> str:
    window = single(request.query_params, "window") or "1h"
    if window not in WINDOWS:
        raise invalid("window", f"window must be one of {', '.join(WINDOWS)}")
    return window
