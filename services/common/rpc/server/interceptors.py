"""The ordered chain that every call passes before its request is received.

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

# Handlers and messages are of any type here: the chain wraps every method of every service alike.
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic for the type checker alone
_UNKNOWN = ("unknown", grpc.StatusCode.UNIMPLEMENTED.name)  # whatever the method: a caller may make up any number


def count_calls_from_zero(service: str) -> None:
    """Begins the series of all methods of a service, by its full name."""
    methods = descriptor_pool.Default().FindServiceByName(service).methods
    codes = {grpc.StatusCode.OK.name, *(reason.grpc_code for reason in errors.REASONS.values())}
    count_from_zero(CALLS, (f"/{service}/{method.name}" for method in methods), codes)
    CALLS.labels(*_UNKNOWN)


@dataclass(frozen=True)
class Call:
    """One call as the chain sees it."""

    method: str  # /package.Service/Method
    metadata: Sequence[tuple[str, str | bytes]]
    context: Context
    streams: bool = False  # answers by a stream


class Around(Protocol):
    """One link: what happens before and after the handler."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[None]: ...


@asynccontextmanager
async def with_request_id(call: Call) -> AsyncIterator[None]:
    """Takes the caller's request id, or makes one, and puts it on every log line of the call."""
    identity = metadata.read(call.metadata, metadata.REQUEST_ID) or trace_context.new_request_id()
    trace_context.request_id.set(identity)
    bound = {"request_id": identity, "method": call.method}
    if debug_id := metadata.read(call.metadata, metadata.DEBUG_ID):
        bound["debug_id"] = debug_id
    with structlog.contextvars.bound_contextvars(**bound):
        yield


@asynccontextmanager
async def with_trace(call: Call) -> AsyncIterator[None]:
    """Takes up the caller's trace, or begins one, and puts this call's span in it on every log line."""
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
    """Turns a WarmcastError into its status, and anything else into INTERNAL without a word of its text."""
    try:
        yield
    except (grpc.aio.AbortError, asyncio.CancelledError):
        raise
    except WarmcastError as error:
        await call.context.abort(*to_status(error))
    except Exception:
        log.exception("call crashed")
        crashed = WarmcastError(errors.INTERNAL, "something went wrong on our side; the log has it by request id")
        await call.context.abort(*to_status(crashed))


@dataclass
class WithConcurrency:
    """Refuses a call at once while `most` are in progress.

    Streams are exempt: each kind has a bound of its own, that of watchers and that of runs which wait for a worker.
    """

    most: int
    _running: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        IN_PROGRESS.set_function(lambda: self._running)

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        if call.streams:
            yield
            return
        if self._running >= self.most:
            raise WarmcastError(errors.BUSY, f"{self.most:,} calls are in progress, the most allowed", retry_after=1)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


@dataclass(frozen=True)
class WithDeadline:
    """Ends a call at its deadline or at `longest`, whichever is nearer; calls made on its behalf end then too."""

    longest: float  # seconds
    unbounded: frozenset[str] = frozenset()  # methods whose runs outlive any sensible deadline: the longest of all

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
            raise WarmcastError(errors.DEADLINE_EXCEEDED, "the answer took too long", retry_after=1) from None


@dataclass(frozen=True)
class WithAuth:
    """Lets a method of `guarded` through only with an accepted secret, compared in constant time."""

    guarded: frozenset[str]
    accepted: tuple[str, ...]

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        if call.method in self.guarded:
            authorise(metadata.read(call.metadata, metadata.SECRET), self.accepted)
        yield


def authorise(given: str, accepted: tuple[str, ...]) -> None:
    """Raises SECRET_NOT_CONFIGURED when there is nothing to compare with, UNAUTHENTICATED when nothing matches."""
    if not accepted:
        raise WarmcastError(
            errors.SECRET_NOT_CONFIGURED,
            "WARMUP_SECRET is not set on this server, so nothing that changes state is allowed",
            retry_after=60,
        )
    # Every one is compared, so that the time tells nothing about which matched.
    matches = [hmac.compare_digest(given.encode(), secret.encode()) for secret in accepted]
    if not any(matches):
        raise WarmcastError(errors.UNAUTHENTICATED, "the warmup secret is missing or wrong")


class Chain(grpc.aio.ServerInterceptor):
    """Puts the given links, outermost first, around our own methods, and a bound on the size around all others."""

    def __init__(self, links: Sequence[Around], *, receiver: Receiver | None = None) -> None:
        self.links = tuple(links)
        self._receiver = receiver or Receiver()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """See grpc.aio.ServerInterceptor. Health, reflection and channelz pass no link but the one for errors."""
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

    def _single(self, around: Around, method: str, sent: Any, handler: Handler) -> Any:
        inner: Any = handler.unary_unary

        async def received(context: Context) -> Any:
            return await self._receiver.request(method, context, handler.request_deserializer)

        async def answer(_: Any, context: Context) -> Any:
            try:
                async with around(Call(method, sent, context)), self._receiver.turn(method):
                    return await inner(await received(context), context)
            except grpc.aio.AbortError as abort:
                raise _bare(abort) from None

        return answer

    def _streaming(self, around: Around, method: str, sent: Any, handler: Handler) -> Any:
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
                raise _bare(abort) from None

        async def answers(_: Any, context: Context) -> AsyncIterator[Any]:
            try:
                async with around(Call(method, sent, context, streams=True)):
                    async for response in inner(await received(context), context):
                        yield response
            except grpc.aio.AbortError as abort:
                raise _bare(abort) from None

        # The health service's Watch writes to its context, which gRPC allows as well.
        return answers if inspect.isasyncgenfunction(inner) else write

    @asynccontextmanager
    async def _around(self, call: Call, depth: int = 0) -> AsyncIterator[None]:
        # No AsyncExitStack: it keeps exceptions in reference cycles; see _bare.
        if depth == len(self.links):
            yield
            return
        async with self.links[depth](call), self._around(call, depth + 1):
            yield


def _bare(abort: grpc.aio.AbortError) -> grpc.aio.AbortError:
    # gRPC keeps it in a reference cycle, and so would keep what the frames of its traceback hold: the request.
    abort.__context__ = None
    return abort.with_traceback(None)


def standard_chain(
    *,
    guarded: frozenset[str],
    accepted_secrets: tuple[str, ...],
    longest: float,
    unbounded: frozenset[str] = frozenset(),
    max_concurrent_calls: int = MAX_CONCURRENT_CALLS,
) -> Chain:
    """The chain of every Warmcast service, in its one order. Method names are full: /package.Service/Method."""
    return Chain(
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
