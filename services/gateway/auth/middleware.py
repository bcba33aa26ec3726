"""The link of the chain that finds out who calls, and holds each caller to its rate."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass

from cachetools import LRUCache
from prometheus_client import Counter
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.server.interceptors import authorise
from services.common.telemetry.counters import count_from_zero
from services.gateway.auth.api_keys import ApiKey, ApiKeys
from services.gateway.auth.rate_limits import Buckets, Rate, Taken, limit_field, policy_field
from services.gateway.http.access_log import CALLER
from services.gateway.http.exchange import Exchange
from services.gateway.http.problems import problem

REFUSED = Counter(
    "warmcast_gateway_rate_limited_total", "Requests refused because their caller asked too often", ["by"]
)

KEY_HEADER = "X-API-Key"
_PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
_BEARER = "bearer "
# An IPv6 subscriber is given a whole /64 at the least, and could otherwise bring as many addresses as requests.
_SUBSCRIBER_BITS = 64
_LONGEST_ADDRESS = 64  # characters; a trusted proxy may pass on anything


@dataclass(frozen=True)
class _Allowance:
    """One rate, and how it is told of."""

    name: str
    whose: str
    rate: Rate
    policy: bytes
    buckets: Buckets

    @classmethod
    def of(cls, name: str, whose: str, rate: Rate, full_at: MutableMapping[str, float]) -> _Allowance:
        return cls(name, whose, rate, policy_field(name, rate), Buckets(rate, full_at))


class Callers:
    """Names the caller by its API key, and answers 429 to one that asks too often. Probes pass.

    A request with the warmup secret is the operator's and has no limit. One without a valid key counts for its client's
    address, also when it brought a wrong one; without `anonymous` it has no limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: ApiKeys,
        anonymous: Rate | None,
        most_addresses: int,
        secrets: tuple[str, ...],
    ) -> None:
        self.app = app
        self._keys = keys
        self._secrets = secrets
        self._by_key = {key.name: _Allowance.of(key.name, f"the key “{key.name}”", key.rate, {}) for key in keys.keys}
        addresses: LRUCache[str, float] = LRUCache(most_addresses)
        self._by_address = (
            None if anonymous is None else _Allowance.of("anonymous", "one address without a key", anonymous, addresses)
        )
        count_from_zero(REFUSED, (*self._by_key, *(("anonymous",) if anonymous else ())))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["path"] in _PROBES:
            await self.app(scope, receive, send)
            return
        given, secret = _credentials(scope)
        key = self._keys.find(given) if given else None
        if key is not None:
            scope[CALLER] = key.name
        allowance = self._allowance(key, secret)
        if allowance is None:
            await self.app(scope, receive, send)
            return
        taken = allowance.buckets.take(_address(scope) if key is None else key.name)
        Exchange.of(scope).headers += (
            (b"ratelimit-policy", allowance.policy),
            (b"ratelimit", limit_field(allowance.name, taken)),
        )
        if taken.allowed:
            await self.app(scope, receive, send)
        else:
            REFUSED.labels(allowance.name).inc()
            await problem(_too_often(allowance, taken))(scope, receive, send)

    def _allowance(self, key: ApiKey | None, secret: str) -> _Allowance | None:
        if key is not None:
            return self._by_key[key.name]
        if self._by_address is None or (secret and self._is_operators(secret)):
            return None
        return self._by_address

    def _is_operators(self, secret: str) -> bool:
        try:
            authorise(secret, self._secrets)
        except WarmcastError:
            return False
        return True


def _credentials(scope: Scope) -> tuple[str, str]:
    """The API key and the warmup secret that the request brings; empty where it brings none."""
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


def _address(scope: Scope) -> str:
    """What the client's address is counted as; all clients without one (a local socket) share a bucket."""
    host: str = scope["client"][0][:_LONGEST_ADDRESS] if scope.get("client") else ""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> (128 - _SUBSCRIBER_BITS))


def _too_often(allowance: _Allowance, taken: Taken) -> WarmcastError:
    rate = allowance.rate
    detail = f"{allowance.whose} has used up its rate of {rate.requests} within {rate.window} s"
    return WarmcastError(errors.RATE_LIMITED, detail, retry_after=taken.retry_after)
