"""Middleware of every request, as pure ASGI: request id → errors → log and metrics → concurrency → errors → routes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry import trace_context
from services.common.telemetry.counters import count_from_zero
from services.gateway.http.access_log import AccessLog, client_fields
from services.gateway.http.exchange import Exchange
from services.gateway.http.problems import problem

log = structlog.get_logger()

REQUESTS = Counter(
    "warmcast_gateway_requests_total", "Finished requests by route, method and status", ["route", "method", "status"]
)
SECONDS = Histogram("warmcast_gateway_request_seconds", "Duration of requests", ["route", "method"])
IN_FLIGHT = Gauge("warmcast_gateway_requests_in_flight", "Requests in flight")
_in_flight: set[Exchange] = set()
IN_FLIGHT.set_function(lambda: len(_in_flight))

_SERVER_ERRORS = {reason.http_status for reason in errors.REASONS.values() if reason.http_status >= 500}

Middleware = Callable[[ASGIApp], ASGIApp]

REQUEST_ID = "x-request-id"
_REQUEST_ID, _TRACEPARENT = REQUEST_ID.encode(), b"traceparent"
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))

_CLIENT_CLOSED = 499  # nginx's status for a client that disconnected before the response
_INTERRUPTED = WarmcastError(errors.UNAVAILABLE, "this gateway is shutting down; retry", retry_after=1)


def count_requests_from_zero(table: Mapping[str, Iterable[str]]) -> None:
    """Creates the series that alerts use: for each route and method, status 200 and the server errors."""
    for route, methods in table.items():
        answered = {*methods, "HEAD"} if "GET" in methods else methods
        count_from_zero(REQUESTS, (route,), answered, map(str, {200, *_SERVER_ERRORS}))


class RequestContext:
    """Sets the request id and the trace context (W3C) for logs and outgoing calls, and begins the Exchange.

    A valid `X-Request-Id` or `traceparent` of the request is kept; else a new one is created.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway serves HTTP only, not {scope['type']}")
        given, traces = "", []
        for name, value in scope["headers"]:
            if name == _REQUEST_ID:
                given = value.decode("latin-1")
            elif name == _TRACEPARENT:
                traces.append(value.decode("latin-1"))
        identity = given if given and _VALID_ID.fullmatch(given) else trace_context.new_request_id()
        trace = trace_context.child_of(traces[0]) if len(traces) == 1 else trace_context.new_traceparent()
        exchange = Exchange(scope, send, identity, trace)
        exchange.headers.append((_REQUEST_ID, identity.encode()))
        token, trace_token = trace_context.request_id.set(identity), trace_context.traceparent.set(trace)
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            exchange.end(scope)
            trace_context.request_id.reset(token)
            trace_context.traceparent.reset(trace_token)


class RequestTelemetry:
    """Writes one log line and the metrics of each request. Metrics are labelled with the route's template."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._log = AccessLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        exchange, started, no_status = Exchange.of(scope), time.perf_counter(), _CLIENT_CLOSED
        _in_flight.add(exchange)
        try:
            await self.app(scope, receive, send)
        except Exception:
            no_status = 500  # the status that the outer ErrorResponses sends
            raise
        finally:
            _in_flight.discard(exchange)
            seconds = time.perf_counter() - started
            status = no_status if exchange.status is None else exchange.status
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = scope["route"].path if "route" in scope else "none"
            requests, duration = _metrics(route, method, status)
            requests.inc()
            duration.observe(seconds)
            self._log.write(
                _level(status, scope["path"]),
                {
                    "method": method,
                    "path": scope["path"],
                    "status": status,
                    "ms": round(seconds * 1000, 1),
                    "bytes": 0 if method == "HEAD" else exchange.sent,
                    "request_id": exchange.request_id,
                    "trace_id": exchange.trace.trace_id,
                    "span_id": exchange.trace.span_id,
                    **client_fields(scope),
                },
            )


class ConcurrencyLimit:
    """Answers 503 while `max_in_flight` requests are in flight. The `exempt` paths have no limit."""

    def __init__(self, app: ASGIApp, max_in_flight: int, exempt: Callable[[str], bool] = PROBES.__contains__) -> None:
        self.app = app
        self._max_in_flight = max_in_flight
        self._exempt = exempt
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if self._exempt(scope["path"]):
            await self.app(scope, receive, send)
            return
        if self._in_flight >= self._max_in_flight:
            busy = WarmcastError(errors.BUSY, "too many requests are in flight; retry later", retry_after=1)
            await problem(busy)(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._in_flight -= 1


class ErrorResponses:
    """Turns exceptions into problem+json. After a crash the client sees only the request id.

    It is used twice: next to the routes, so that the other middleware sees their errors as responses, and outside, for
    a crash in the middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            log.info("client disconnected before its request was read")
        except asyncio.CancelledError:
            # Only the server cancels a request, when the drain time is over.
            if Exchange.of(scope).status is not None:
                raise
            await problem(_INTERRUPTED)(scope, receive, send)
        except Exception as crash:
            if Exchange.of(scope).status is not None:
                raise  # part of a response is sent; the server closes the connection
            await problem(_error(crash))(scope, receive, send)


def _error(crash: Exception) -> WarmcastError:
    if isinstance(crash, WarmcastError):
        return crash
    log.error("request crashed", exc_info=crash)
    return WarmcastError(errors.INTERNAL, "internal error; find the cause in the log by this request id")


# `labels` takes longer than the increment. Routes, methods and statuses are few.
@lru_cache(maxsize=1_000)
def _metrics(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, str(status)), SECONDS.labels(route, method)


def _level(status: int, path: str) -> str:
    if status < 500:
        return "debug" if path in PROBES else "info"
    return "error" if status == 500 else "warning"
