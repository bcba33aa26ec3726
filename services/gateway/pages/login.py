"""Log in and out."""

from __future__ import annotations

from dataclasses import dataclass, field

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.server.interceptors import authorise, is_one_of
from services.gateway.auth.api_keys import ApiKeys
from services.gateway.auth.forms import check_token
from services.gateway.auth.middleware import client_address
from services.gateway.auth.rate_limits import Rate, RateLimiter
from services.gateway.auth.sessions import LIFETIME_SECONDS, MAX_NAME, Role, Session
from services.gateway.pages.rendering import Content
from services.gateway.pages.site import Site, local_path, see_other

_MAX_CREDENTIAL = 256
_BY_ADDRESS, _BY_REPLICA = Rate(5, 60), Rate(60, 60)
_MAX_ADDRESSES = 10_000


@dataclass(frozen=True)
class LoginRoutes:
    """The login form. Attempts are limited, but nothing is ever locked."""

    site: Site
    secrets: tuple[str, ...]
    keys: ApiKeys
    read_secrets: tuple[str, ...] = ()
    _by_address: RateLimiter = field(default_factory=lambda: RateLimiter(_BY_ADDRESS, LRUCache(_MAX_ADDRESSES)))
    _by_replica: RateLimiter = field(default_factory=lambda: RateLimiter(_BY_REPLICA, {}))

    async def form(self, request: Request) -> Response:
        """The form."""
        return self._respond(request, next_path=local_path(request.query_params.get("next", "/")))

    async def log_in(self, request: Request) -> Response:
        """Checks the credential and sets the cookie, or shows the form again with what is wrong."""
        fields = await self.site.form(request)
        self._limit_attempts(request)
        name, next_path = fields.get("name", "").strip(), local_path(fields.get("next", "/"))
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            wrong = f"Enter a name of 1 to {MAX_NAME} printable characters."
            return self._respond(request, next_path=next_path, error=wrong, status=400)
        if metadata.names_secret(name):
            # The audit writes it for calls with the secret.
            wrong = f"Enter another name: “{name}” stands for callers of the API."
            return self._respond(request, next_path=next_path, error=wrong, status=400)
        session = self._session(name, fields.get("credential", "")[: _MAX_CREDENTIAL + 1])
        if session is None:
            wrong = "The secret or key is wrong." if self.keys else "The secret is wrong."
            return self._respond(request, next_path=next_path, name=name, error=wrong, status=401)
        response = see_other(next_path)
        self.site.sessions.set_cookie(request, response, session)
        return response

    async def log_out(self, request: Request) -> Response:
        """Clears the browser's cookie."""
        fields = await self.site.form(request)
        session = self.site.sessions.read(request)
        if session is not None:
            check_token(self.site.sessions, session, fields.get("token", ""))
        response = see_other("/")
        self.site.sessions.clear_cookie(request, response)
        return response

    def _session(self, name: str, credential: str) -> Session | None:
        try:
            authorise(credential, self.secrets)
        except WarmcastError as error:
            if error.reason is not errors.UNAUTHENTICATED:
                raise
        else:
            return self.site.sessions.issue(Role.OPERATOR, name)
        if is_one_of(credential, self.read_secrets):
            return self.site.sessions.issue_reader(name, credential)
        key = self.keys.find(credential)
        return self.site.sessions.issue(Role.API_KEY, name, key) if key else None

    def _limit_attempts(self, request: Request) -> None:
        for limiter, caller in ((self._by_address, client_address(request.scope)), (self._by_replica, "")):
            outcome = limiter.take(caller)
            if not outcome.allowed:
                detail = "too many attempts to log in; wait, then try again"
                raise WarmcastError(errors.RATE_LIMITED, detail, retry_after=outcome.retry_after)

    def _respond(
        self, request: Request, *, next_path: str, name: str = "", error: str = "", status: int = 200
    ) -> Response:
        if not self.site.sessions.configured:
            raise WarmcastError(errors.SECRET_NOT_CONFIGURED, "logins need WARMUP_SECRET, which is not configured")
        main = self.site.templates.render(
            "login.html",
            next=next_path,
            name=name,
            error=error,
            keys=bool(self.keys),
            reading=bool(self.read_secrets),
            hours=LIFETIME_SECONDS // 3600,
            max_name=MAX_NAME,
            max_credential=_MAX_CREDENTIAL,
        )
        return self.site.respond(request, Content("Log in", main), status, {"cache-control": "no-store"})
