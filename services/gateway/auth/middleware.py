"""Middleware that identifies the caller by its API key and limits its rate."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass

from cachetools import LRUCache
from prometheus_client import Counter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.server.interceptors import authorise
from services.common.telemetry.counters import count_from_zero
from services.gateway.auth.api_keys import ApiKey, ApiKeys
from services.gateway.auth.rate_limits import Outcome, Rate, RateLimiter, limit_field, policy_field
from services.gateway.auth.sessions import Sessions
from services.gateway.http.access_log import API_KEY_NAME
from services.gateway.http.exchange import Exchange
from services.gateway.http.middleware import PROBES
from services.gateway.http.problems import problem

REFUSED = Counter(
    "warmcast_gateway_rate_limited_total", "Requests refused because their caller exceeded its rate", ["by"]
)

KEY_HEADER = "X-API-Key"
_ASSETS = "/assets/"  # a page needs several, and browsers keep them
_BEARER = "bearer "
# An IPv6 subscriber usually has a whole /64, and could otherwise use a new address for each request.
_SUBSCRIBER_BITS = 64
_MAX_ADDRESS_LENGTH = 64  # a trusted proxy may forward any text


@dataclass(frozen=True)
class _Limit:
    """One rate limit and its response headers."""

    name: str
    subject: str  # for the error's detail
    rate: Rate
    policy: bytes
    limiter: RateLimiter

    @classmethod
    def of(cls, name: str, subject: str, rate: Rate, full_at: MutableMapping[str, float]) -> _Limit:
        return cls(name, subject, rate, policy_field(name, rate), RateLimiter(rate, full_at))


class CallerRateLimit:
    """Records the name of the caller's API key, and answers 429 above the caller's rate.

    Probes, assets, and requests with the warmup secret, the read secret or an operator's login have no limit. A request
    without a valid key counts for its client's address, even with a wrong key; with `anonymous=None` it has no limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: ApiKeys,
        anonymous: Rate | None,
        max_addresses: int,
        secrets: tuple[str, ...],
        sessions: Sessions,
    ) -> None:
        self.app = app
        self._sessions = sessions
        self._keys = keys
        self._secrets = secrets
        self._by_key = {key.name: _Limit.of(key.name, f"the API key “{key.name}”", key.rate, {}) for key in keys.keys}
        addresses: LRUCache[str, float] = LRUCache(max_addresses)
        self._by_address = (
            None
            if anonymous is None
            else _Limit.of("anonymous", "a client address without a key", anonymous, addresses)
        )
        count_from_zero(REFUSED, (*self._by_key, *(("anonymous",) if anonymous else ())))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["path"] in PROBES or scope["path"].startswith(_ASSETS):
            await self.app(scope, receive, send)
            return
        given, secret = _credentials(scope)
        key = self._keys.find(given) if given else None
        if key is not None:
            scope[API_KEY_NAME] = key.name
        limit = self._limit(key, secret)
        # The console fetches a fragment each second while jobs change.
        if limit is None or (limit is self._by_address and self._is_operator(scope)):
            await self.app(scope, receive, send)
            return
        outcome = limit.limiter.take(client_address(scope) if key is None else key.name)
        Exchange.of(scope).headers += (
            (b"ratelimit-policy", limit.policy),
            (b"ratelimit", limit_field(limit.name, outcome)),
        )
        if outcome.allowed:
            await self.app(scope, receive, send)
        else:
            REFUSED.labels(limit.name).inc()
            await problem(_rate_exceeded(limit, outcome))(scope, receive, send)

    def _limit(self, key: ApiKey | None, secret: str) -> _Limit | None:
        if key is not None:
            return self._by_key[key.name]
        if self._by_address is None or (secret and self._is_accepted(secret)):
            return None
        return self._by_address

    def _is_accepted(self, secret: str) -> bool:
        try:
            authorise(secret, self._secrets)
        except WarmcastError:
            return False
        return True

    def _is_operator(self, scope: Scope) -> bool:
        session = self._sessions.read(HTTPConnection(scope))
        return session is not None and session.may_operate


def _credentials(scope: Scope) -> tuple[str, str]:
    """The request's API key and warmup secret; empty where missing."""
    own = bearer = secret = ""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            own = value.decode("latin-1").strip()
        elif name == b"authorization":
            text = value.decode("latin-1")
            if text[: len(_BEARER)].lower() == _BEARER:
                bearer = text[len(_BEARER) :].strip()
        elif name == b"x-warmup-secret":
            secret = value.decode("latin-1")
    return own or bearer, secret


def client_address(scope: Scope) -> str:
    """The rate limit's key for a client address; clients without one (a local socket) share a bucket."""
    host: str = scope["client"][0][:_MAX_ADDRESS_LENGTH] if scope.get("client") else ""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> (128 - _SUBSCRIBER_BITS))


def _rate_exceeded(limit: _Limit, outcome: Outcome) -> WarmcastError:
    rate = limit.rate
    detail = f"{limit.subject} exceeded its rate of {rate.requests} requests within {rate.window} s"
    return WarmcastError(errors.RATE_LIMITED, detail, retry_after=outcome.retry_after)
