"""The runbook, to which the warnings of the overview lead."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.pages.operations.frame.console import Console, View


@dataclass(frozen=True)
class RunbookPage:
    """What each alert means, and what to do."""

    console: Console

    async def page(self, request: Request) -> Response:
        """The page, which changes with the release only."""
        text = self.console.render("operations/runbook.html", request)
        article = Markup('<article class="card runbook">{}</article>').format(text)
        return self.console.respond(request, View("Overview", "Runbook", article))
