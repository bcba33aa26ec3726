"""What every page route needs: the reader's login, the forms' protection, and the response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.gateway.auth.forms import check_origin, check_token
from services.gateway.auth.sessions import Role, Session, Sessions
from services.gateway.http.access_log import API_KEY_NAME
from services.gateway.http.representation import Representation
from services.gateway.pages.policy import HEADERS, transport_security
from services.gateway.pages.rendering import Content, Reader, Templates
from services.gateway.routes.requests.request_bodies import BodyBounds, media_type, read_body, unsupported
from services.gateway.routes.requests.uploads import Form, read_form

FORM = "application/x-www-form-urlencoded"
UPLOAD_FORM = "multipart/form-data"
_MAX_FIELDS = 100  # a page of jobs has 50 to select
_ROLES = {Role.OPERATOR: "operator", Role.READER: "read-only operator", Role.API_KEY: "read-only"}


@dataclass(frozen=True)
class Site:
    """Renders pages for their reader."""

    templates: Templates
    sessions: Sessions
    bounds: BodyBounds
    public_origin: str
    keys_configured: bool

    def respond(
        self, request: Request, content: Content, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A page for the reader of this request, with an ETag."""
        representation = self._represent(content, self.sessions.read(request), headers or {})
        headers_sent = request.scope["headers"]
        if status == 200:
            return representation.respond(headers_sent, transport_security(request.scope))
        # 304 would replace the status.
        unconditional = [(name, value) for name, value in headers_sent if name != b"if-none-match"]
        response = representation.respond(unconditional, transport_security(request.scope))
        response.status_code = status
        return response

    def anonymous(self, content: Content) -> Representation:
        """The page for readers without a login, to be kept."""
        return self._represent(content, None, {})

    def caching(self, request: Request) -> dict[str, str]:
        """How long the answer to this reader may be kept, and by whom."""
        return self._caching(self.sessions.read(request))

    def check_reader(self, request: Request) -> None:
        """Raises API_KEY_REQUIRED where keys are configured and the request has neither a key nor a login."""
        if self.keys_configured and API_KEY_NAME not in request.scope and self.sessions.read(request) is None:
            raise WarmcastError(errors.API_KEY_REQUIRED, "log in with an API key or the warmup secret")

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form that this site sent. Raises FORM_REFUSED for one that it did not."""
        check_origin(request, self.public_origin)
        if (given := media_type(request)) != FORM:
            raise unsupported(given, FORM)
        body = await read_body(request, self.bounds)
        try:
            fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise invalid("body", "the form cannot be read; reload the page and send it again") from None
        return dict(fields)

    async def write_form(self, request: Request) -> dict[str, str]:
        """The same for a form that changes something: it needs a login that may write, and the login's token."""
        session = self.require_writer(request)
        fields = await self.form(request)
        check_token(self.sessions, session, fields.get("token", ""))
        return fields

    async def write_upload(self, request: Request) -> Form:
        """The same for a form with files."""
        session = self.require_writer(request)
        check_origin(request, self.public_origin)
        if (given := media_type(request)) != UPLOAD_FORM:
            raise unsupported(given, UPLOAD_FORM)
        form = await read_form(request, await read_body(request, self.bounds))
        check_token(self.sessions, session, dict(form.fields).get("token", ""))
        return form

    def require_writer(self, request: Request) -> Session:
        """The login. Raises UNAUTHENTICATED without one, FORBIDDEN if it is read-only."""
        session = self.sessions.read(request)
        if session is None:
            raise WarmcastError(errors.UNAUTHENTICATED, "log in with the warmup secret to do this")
        if not session.may_write:
            raise WarmcastError(errors.FORBIDDEN, "this login is read-only; log in with the warmup secret to do this")
        return session

    def _represent(self, content: Content, session: Session | None, headers: Mapping[str, str]) -> Representation:
        shared = {**HEADERS, **self._caching(session), **headers}
        page = self.templates.page(content, reader=self._reader(session), login=self.sessions.configured)
        return Representation(page, shared, "text/html")

    def _caching(self, session: Session | None) -> dict[str, str]:
        # A page is not shared between logins.
        kept = "no-cache" if session is None and not self.keys_configured else "private, no-cache"
        return {"cache-control": kept, "vary": "accept-encoding, cookie"}

    def _reader(self, session: Session | None) -> Reader | None:
        if session is None:
            return None
        return Reader(
            session.name,
            _ROLES[session.role],
            self.sessions.form_token(session),
            session.may_write,
            operates=session.may_operate,
        )


def see_other(path: str) -> RedirectResponse:
    """Leads to a page after a form."""
    return RedirectResponse(path, 303, {**HEADERS, "cache-control": "no-store"})


def local_path(text: str) -> str:
    """A path of this site to lead to after a login; `/` for anything else."""
    safe = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text[:2_000] if safe else "/"
