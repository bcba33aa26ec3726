"""The guard of the console, and its pages around their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.sessions import Session
from services.gateway.http.handler import Handler
from services.gateway.http.representation import Representation
from services.gateway.pages.policy import HEADERS, transport_security
from services.gateway.pages.rendering import Content
from services.gateway.pages.site import Site, see_other

ROOT: Final = "/ops"
EVENTS: Final = f"{ROOT}/events"
SECTIONS: Final = {
    "Overview": ROOT,
    "Jobs": f"{ROOT}/jobs",
    "Comparisons": f"{ROOT}/comparisons",
    "Track record": f"{ROOT}/track-record",
    "Audit": f"{ROOT}/audit",
}


@dataclass(frozen=True)
class View:
    """A page of the console without its frame."""

    section: str  # one of SECTIONS, marked in the navigation
    title: str
    live: Markup  # what live updates replace: the fragment's content, or its parts (`data-part`)
    fragment: str = ""  # address of the fragment; empty for a page that does not change
    before: str = ""  # Markup between the title and the live part, such as a filter form
    after: str = ""  # Markup
    script: str = "ops.js"
    refresh_seconds: int = 0  # without scripts, the browser loads the page again after so many seconds


@dataclass(frozen=True)
class Console:
    """Checks each reader, and renders pages and fragments for operators."""

    site: Site

    def page(self, handler: Handler) -> Handler:
        """A route that shows a page: without a login, it leads to the login form."""

        async def guarded(request: Request) -> Response:
            session = self.site.sessions.read(request)
            if session is None and self.site.sessions.configured and request.method in ("GET", "HEAD"):
                return _log_in(request)
            _check(session)
            return await handler(request)

        return guarded

    def part(self, handler: Handler) -> Handler:
        """A route that scripts, downloads or forms call: without a login, it answers 401.

        Routes that change something also call `Site.write_form`, which refuses read-only logins.
        """

        async def guarded(request: Request) -> Response:
            _check(self.site.sessions.read(request))
            return await handler(request)

        return guarded

    def session(self, request: Request) -> Session:
        """The login of a request that passed the guard."""
        return _check(self.site.sessions.read(request))

    def respond(
        self, request: Request, view: View, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The whole page."""
        main = self.site.templates.render(
            "operations/frame.html",
            sections=SECTIONS,
            view=view,
            events=EVENTS,
            as_of=_as_of(),
        )
        content = Content(
            f"{view.title} · Operations",
            main,
            path=_address(request),
            script=view.script,
            style="ops.css",
            refresh_seconds=view.refresh_seconds,
        )
        return self.site.respond(request, content, status, headers)

    def fragment(self, request: Request, live: Markup) -> Response:
        """The live part alone, which the scripts swap. Compressed, because a page fetches it up to once a second."""
        headers = {**HEADERS, "cache-control": "no-store", "vary": "accept-encoding, cookie"}
        moment = Markup("<span hidden data-as-of>{}</span>").format(_as_of())
        representation = Representation((moment + live).encode(), headers, "text/html")
        return representation.respond(request.scope["headers"], transport_security(request.scope))

    def render(self, template: str, request: Request, **values: object) -> Markup:
        """The HTML of a template. It may test `may_write`, and puts `token` into its forms that change something."""
        session = self.session(request)
        token = self.site.sessions.form_token(session) if session.may_write else ""
        return self.site.templates.render(template, may_write=session.may_write, token=token, **values)


def _check(session: Session | None) -> Session:
    if session is None:
        raise WarmcastError(errors.UNAUTHENTICATED, "log in as an operator to open the console")
    if not session.may_operate:
        raise WarmcastError(errors.FORBIDDEN, "a login with an API key opens no console; log in as an operator")
    return session


def _as_of() -> str:
    return f"As of {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _log_in(request: Request) -> Response:
    return see_other(f"/login?{urlencode({'next': _address(request)})}")


def _address(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return str(request.scope["path"]) + (f"?{query}" if query else "")
