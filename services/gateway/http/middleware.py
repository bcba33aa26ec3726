"""What every request passes, as pure ASGI: request id → errors → log and metrics → limit → errors → routes."""

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
from services.common.telemetry import tracing
from services.common.telemetry.counters import count_from_zero
from services.gateway.http.access_log import AccessLog, who
from services.gateway.http.exchange import Exchange
from services.gateway.http.problems import problem
from services.gateway.routes import events

log = structlog.get_logger()

REQUESTS = Counter(
    "warmcast_gateway_requests_total", "Requests answered, by route and status", ["route", "method", "status"]
)
SECONDS = Histogram("warmcast_gateway_request_seconds", "Time until a request was answered", ["route", "method"])
IN_FLIGHT = Gauge("warmcast_gateway_requests_in_flight", "Requests that are being answered")
_in_flight: set[Exchange] = set()
IN_FLIGHT.set_function(lambda: len(_in_flight))

_OURS = {reason.http_status for reason in errors.REASONS.values() if reason.http_status >= 500}

Link = Callable[[ASGIApp], ASGIApp]

REQUEST_ID = "x-request-id"
_REQUEST_ID, _TRACEPARENT = REQUEST_ID.encode(), b"traceparent"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
_PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
_UNLIMITED = _PROBES | {events.PATH}
_GONE = 499  # what proxies log when the client left before its answer
_INTERRUPTED = WarmcastError(errors.UNAVAILABLE, "this gateway is about to end; ask again", retry_after=1)


def count_requests_from_zero(table: Mapping[str, Iterable[str]]) -> None:
    """Begins the series that alerts stand on: for each route and method, answers that went well or were our fault."""
    for route, methods in table.items():
        spoken = {*methods, "HEAD"} if "GET" in methods else methods
        count_from_zero(REQUESTS, (route,), spoken, map(str, {200, *_OURS}))


class RequestIdentity:
    """Takes the request's id if it is sane, else makes one, and answers with it; the same for its place in a trace.

    The trace (W3C Trace Context) goes on to whom the gateway asks, and into each log line. The exchange begins here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway speaks HTTP alone, not {scope['type']}")
        given, traces = "", []
        for name, value in scope["headers"]:
            if name == _REQUEST_ID:
                given = value.decode("latin-1")
            elif name == _TRACEPARENT:
                traces.append(value.decode("latin-1"))
        identity = given if given and _SANE_ID.fullmatch(given) else tracing.new_request_id()
        trace = tracing.child_of(traces[0]) if len(traces) == 1 else tracing.new_traceparent()
        exchange = Exchange(scope, send, identity, trace)
        exchange.headers.append((_REQUEST_ID, identity.encode()))
        token, trace_token = tracing.request_id.set(identity), tracing.traceparent.set(trace)
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            exchange.end(scope)
            tracing.request_id.reset(token)
            tracing.traceparent.reset(trace_token)


class Observation:
    """One log line and one count a request, under the route's template: paths have no end, templates do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._log = AccessLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        exchange, began, otherwise = Exchange.of(scope), time.perf_counter(), _GONE
        _in_flight.add(exchange)
        try:
            await self.app(scope, receive, send)
        except Exception:
            otherwise = 500  # as the link before this one answers what is raised here
            raise
        finally:
            _in_flight.discard(exchange)
            seconds = time.perf_counter() - began
            status = otherwise if exchange.status is None else exchange.status
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = scope["route"].path if "route" in scope else "none"
            requests, took = _metrics(route, method, status)
            requests.inc()
            took.observe(seconds)
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
                    **who(scope),
                },
            )


class Limit:
    """Answers 503 at once when more requests are in flight than the gateway is meant to hold.

    Probes pass, and streams of events, which have a limit of their own.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["path"] in _UNLIMITED:
            await self.app(scope, receive, send)
            return
        if self._in_flight >= self.most:
            busy = WarmcastError(errors.BUSY, "too many requests are in flight here", retry_after=1)
            await problem(busy)(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._in_flight -= 1


class Problems:
    """Turns what is raised inside into problem+json; nothing of a crash but the request's id gets out.

    It stands right before the routes, so that all links see their errors as answers, and once more before the links,
    for a crash of one of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            log.info("the client left before its request was read")
        except asyncio.CancelledError:
            # Nothing but the server cancels a request: its drain is over, and this one is still in flight.
            if Exchange.of(scope).status is not None:
                raise
            await problem(_INTERRUPTED)(scope, receive, send)
        except Exception as crash:
            if Exchange.of(scope).status is not None:
                raise  # half an answer is out; the server ends the connection
            await problem(_error(crash))(scope, receive, send)


def _error(crash: Exception) -> WarmcastError:
    if isinstance(crash, WarmcastError):
        return crash
    log.error("request crashed", exc_info=crash)
    return WarmcastError(errors.INTERNAL, "something went wrong on our side; the log has it by request id")


# Finding the metric of some labels takes longer than raising it. Routes, methods and statuses are few.
@lru_cache(maxsize=1_000)
def _metrics(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, str(status)), SECONDS.labels(route, method)


def _level(status: int, path: str) -> str:
    if status < 500:
        return "debug" if path in _PROBES else "info"
    return "error" if status == 500 else "warning"
