"""The ordered interceptors that every call passes before its request is received.

Request id and trace → metrics → errors → concurrency → auth → deadline.
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import grpc
import structlog
from google.protobuf import descriptor_pool
from prometheus_client import Counter, Gauge, Histogram

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.limits import LONGEST_CALL_SECONDS, MAX_CONCURRENT_CALLS
from services.common.rpc.server.receiving import Receiver
from services.common.rpc.status import to_status
from services.common.runtime import deadline
from services.common.telemetry import trace_context
from services.common.telemetry.counters import count_from_zero

log = structlog.get_logger()

CALLS = Counter("warmcast_rpc_calls_total", "gRPC calls answered, by method and status code", ["method", "code"])
IN_PROGRESS = Gauge("warmcast_rpc_in_progress", "gRPC calls in progress that count towards MAX_CONCURRENT_CALLS")
SECONDS = Histogram("warmcast_rpc_seconds", "Time that a gRPC call took in its handler", ["method"])

# Any: the chain wraps methods of every service, with any message types.
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic only for the type checker
_UNKNOWN = (
    "unknown",
    grpc.StatusCode.UNIMPLEMENTED.name,
)  # one for all: callers could invent any number


def count_calls_from_zero(service: str) -> None:
    """Starts the series of all methods of a service at 0. `service` is its full name."""
    methods = descriptor_pool.Default().FindServiceByName(service).methods
    codes = {grpc.StatusCode.OK.name, *(reason.grpc_code for reason in errors.REASONS.values())}
    count_from_zero(CALLS, (f"/{service}/{method.name}" for method in methods), codes)
    CALLS.labels(*_UNKNOWN)


@dataclass(frozen=True)
class Call:
    """One call, before its request is received."""

    method: str  # /package.Service/Method
    metadata: Sequence[tuple[str, str | bytes]]
    context: Context
    streams: bool = False  # the response is a stream


class Interceptor(Protocol):
    """A context manager around the rest of the chain and the handler."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[None]: ...


@asynccontextmanager
async def with_request_id(call: Call) -> AsyncIterator[None]:
    """Sets the caller's request id, or a new one, for the call and its log lines."""
    identity = metadata.read(call.metadata, metadata.REQUEST_ID) or trace_context.new_request_id()
    trace_context.request_id.set(identity)
    bound = {"request_id": identity, "method": call.method}
    if debug_id := metadata.read(call.metadata, metadata.DEBUG_ID):
        bound["debug_id"] = debug_id
    with structlog.contextvars.bound_contextvars(**bound):
        yield


@asynccontextmanager
async def with_trace(call: Call) -> AsyncIterator[None]:
    """Starts a span in the caller's trace, or in a new one, for the call and its log lines."""
    trace_context.begin_trace(metadata.read(call.metadata, metadata.TRACEPARENT))
    yield


@asynccontextmanager
async def with_metrics(call: Call) -> AsyncIterator[None]:
    """Counts the call by its outcome and times it."""
    began = time.perf_counter()
    try:
        yield
    finally:
        code = call.context.code()
        CALLS.labels(call.method, code.name if isinstance(code, grpc.StatusCode) else "OK").inc()
        SECONDS.labels(call.method).observe(time.perf_counter() - began)


@asynccontextmanager
async def with_errors(call: Call) -> AsyncIterator[None]:
    """Converts a WarmcastError to its status, and any other exception to INTERNAL without its text."""
    try:
        yield
    except (grpc.aio.AbortError, asyncio.CancelledError):
        raise
    except WarmcastError as error:
        await call.context.abort(*to_status(error))
    except Exception:
        log.exception("call crashed")
        crashed = WarmcastError(errors.INTERNAL, "internal error; the log has it under the request id")
        await call.context.abort(*to_status(crashed))


@dataclass
class WithConcurrency:
    """Refuses a call at once while `limit` are in progress.

    Streams are exempt: watchers and runs that wait for a worker have limits of their own.
    """

    limit: int
    _running: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        IN_PROGRESS.set_function(lambda: self._running)

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        if call.streams:
            yield
            return
        if self._running >= self.limit:
            raise WarmcastError(errors.BUSY, f"{self.limit:,} calls are in progress, which is the limit", retry_after=1)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


@dataclass(frozen=True)
class WithDeadline:
    """Ends a call and the calls that it makes at its deadline or after `longest` seconds, whichever is sooner."""

    longest: float  # seconds
    unbounded: frozenset[str] = frozenset()  # methods that may take LONGEST_CALL_SECONDS

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        longest = LONGEST_CALL_SECONDS if call.method in self.unbounded else self.longest
        remaining = call.context.time_remaining()
        allowed = longest if remaining is None else min(remaining, longest)
        deadline.end_within(allowed)
        try:
            async with asyncio.timeout(allowed):
                yield
        except TimeoutError:
            raise WarmcastError(errors.DEADLINE_EXCEEDED, "the call exceeded its deadline", retry_after=1) from None


@dataclass(frozen=True)
class WithAuth:
    """Requires an accepted secret for the methods of `guarded`; compares in constant time."""

    guarded: frozenset[str]
    accepted: tuple[str, ...]

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        if call.method in self.guarded:
            authorise(metadata.read(call.metadata, metadata.SECRET), self.accepted)
        yield


def authorise(given: str, accepted: tuple[str, ...]) -> None:
    """Raises SECRET_NOT_CONFIGURED without accepted secrets, UNAUTHENTICATED when none matches."""
    if not accepted:
        raise WarmcastError(
            errors.SECRET_NOT_CONFIGURED,
            "WARMUP_SECRET is not set on this server, so nothing that changes state is allowed",
            retry_after=60,
        )
    if not is_one_of(given, accepted):
        raise WarmcastError(errors.UNAUTHENTICATED, "the warmup secret is missing or wrong")


def is_one_of(given: str, secrets: tuple[str, ...]) -> bool:
    """Compares with all, so that the time does not depend on which one matches."""
    matches = [hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets]
    return any(matches)


class InterceptorChain(grpc.aio.ServerInterceptor):
    """Runs the given interceptors, outermost first, around our methods; limits the size of all requests."""

    def __init__(self, interceptors: Sequence[Interceptor], *, receiver: Receiver | None = None) -> None:
        self.interceptors = tuple(interceptors)
        self._receiver = receiver or Receiver()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """See grpc.aio.ServerInterceptor. Health, reflection and channelz pass only `with_errors`."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            CALLS.labels(*_UNKNOWN).inc()
            return None
        around = self._around if method.startswith("/warmcast.") else with_errors
        sent = tuple(handler_call_details.invocation_metadata or ())
        if handler.response_streaming:
            answer = self._streaming(around, method, sent, handler)
            return grpc.stream_stream_rpc_method_handler(answer, None, handler.response_serializer)
        answer = self._single(around, method, sent, handler)
        return grpc.stream_unary_rpc_method_handler(answer, None, handler.response_serializer)

    def _single(self, around: Interceptor, method: str, sent: Any, handler: Handler) -> Any:
        inner: Any = handler.unary_unary

        async def received(context: Context) -> Any:
            return await self._receiver.request(method, context, handler.request_deserializer)

        async def answer(_: Any, context: Context) -> Any:
            try:
                async with around(Call(method, sent, context)), self._receiver.turn(method):
                    return await inner(await received(context), context)
            except grpc.aio.AbortError as abort:
                raise _without_traceback(abort) from None

        return answer

    def _streaming(self, around: Interceptor, method: str, sent: Any, handler: Handler) -> Any:
        inner: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream

        async def received(context: Context) -> Any:
            if handler.request_streaming:
                return self._receiver.requests(method, context, handler.request_deserializer)
            return await self._receiver.request(method, context, handler.request_deserializer)

        async def write(_: Any, context: Context) -> None:
            try:
                async with around(Call(method, sent, context, streams=True)):
                    await inner(await received(context), context)
            except grpc.aio.AbortError as abort:
                raise _without_traceback(abort) from None

        async def answers(_: Any, context: Context) -> AsyncIterator[Any]:
            try:
                async with around(Call(method, sent, context, streams=True)):
                    async for response in inner(await received(context), context):
                        yield response
            except grpc.aio.AbortError as abort:
                raise _without_traceback(abort) from None

        # The health service's Watch writes to its context, which gRPC allows as well.
        return answers if inspect.isasyncgenfunction(inner) else write

    @asynccontextmanager
    async def _around(self, call: Call, depth: int = 0) -> AsyncIterator[None]:
        # No AsyncExitStack: it keeps exceptions in reference cycles; see _without_traceback.
        if depth == len(self.interceptors):
            yield
            return
        async with self.interceptors[depth](call), self._around(call, depth + 1):
            yield


def _without_traceback(abort: grpc.aio.AbortError) -> grpc.aio.AbortError:
    # gRPC keeps the error in a reference cycle; its traceback would keep the request in memory.
    abort.__context__ = None
    return abort.with_traceback(None)


def standard_interceptors(
    *,
    guarded: frozenset[str],
    accepted_secrets: tuple[str, ...],
    longest: float,
    unbounded: frozenset[str] = frozenset(),
    max_concurrent_calls: int = MAX_CONCURRENT_CALLS,
) -> InterceptorChain:
    """The chain of every Warmcast service. Method names are full: /package.Service/Method."""
    return InterceptorChain(
        [
            with_request_id,
            with_trace,
            with_metrics,
            with_errors,
            WithConcurrency(max_concurrent_calls),
            WithAuth(guarded, accepted_secrets),
            WithDeadline(longest, unbounded),
        ]
    )
