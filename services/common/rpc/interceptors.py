"""The ordered chain that every call passes: request id → trace → metrics → errors → deadline → auth."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import grpc
import structlog
from google.protobuf import descriptor_pool
from prometheus_client import Counter, Histogram

from services.common import deadline, errors, telemetry
from services.common.counting import count_from_zero
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.limits import LONGEST_CALL_SECONDS
from services.common.rpc.status import to_status

log = structlog.get_logger()

CALLS = Counter("warmcast_rpc_calls_total", "gRPC calls answered, by method and status code", ["method", "code"])
SECONDS = Histogram("warmcast_rpc_seconds", "Time that a gRPC call took in its handler", ["method"])

# Handlers and messages are of any type here: the chain wraps every method of every service alike.
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic for the type checker alone


def count_calls_from_zero(service: str) -> None:
    """Begins the series of all methods of a service, by its full name."""
    methods = descriptor_pool.Default().FindServiceByName(service).methods
    codes = {grpc.StatusCode.OK.name, *(reason.grpc_code for reason in errors.REASONS.values())}
    count_from_zero(CALLS, (f"/{service}/{method.name}" for method in methods), codes)


@dataclass(frozen=True)
class Call:
    """One call as the chain sees it."""

    method: str  # /package.Service/Method
    metadata: Sequence[tuple[str, str | bytes]]
    context: Context


class Around(Protocol):
    """One link: what happens before and after the handler."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[None]: ...


@asynccontextmanager
async def with_request_id(call: Call) -> AsyncIterator[None]:
    """Takes the caller's request id, or makes one, and puts it on every log line of the call."""
    identity = metadata.read(call.metadata, metadata.REQUEST_ID) or telemetry.new_request_id()
    telemetry.request_id.set(identity)
    bound = {"request_id": identity, "method": call.method}
    if debug_id := metadata.read(call.metadata, metadata.DEBUG_ID):
        bound["debug_id"] = debug_id
    with structlog.contextvars.bound_contextvars(**bound):
        yield


@asynccontextmanager
async def with_trace(call: Call) -> AsyncIterator[None]:
    """Takes up the caller's trace, or begins one, and puts this call's span in it on every log line."""
    telemetry.begin_trace(metadata.read(call.metadata, metadata.TRACEPARENT))
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
    """Wraps the methods of our own services in the given links, outermost first."""

    def __init__(self, links: Sequence[Around]) -> None:
        self.links = tuple(links)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """See grpc.aio.ServerInterceptor. Health, reflection and channelz pass as they are."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/warmcast."):
            return handler
        sent = tuple(handler_call_details.invocation_metadata or ())
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(method, sent, handler.unary_unary),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            self._stream(method, sent, handler.unary_stream),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _unary(self, method: str, sent: Any, inner: Any) -> Any:
        async def wrapped(request: Any, context: Context) -> Any:
            async with self._around(Call(method, sent, context)):
                return await inner(request, context)

        return wrapped

    def _stream(self, method: str, sent: Any, inner: Any) -> Any:
        async def wrapped(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._around(Call(method, sent, context)):
                async for response in inner(request, context):
                    yield response

        return wrapped

    @asynccontextmanager
    async def _around(self, call: Call, depth: int = 0) -> AsyncIterator[None]:
        if depth == len(self.links):
            yield
            return
        async with self.links[depth](call), self._around(call, depth + 1):
            yield


def standard_chain(
    *,
    guarded: frozenset[str],
    accepted_secrets: tuple[str, ...],
    longest: float,
    unbounded: frozenset[str] = frozenset(),
) -> Chain:
    """The chain of every Warmcast service, in its one order. Method names are full: /package.Service/Method."""
    return Chain(
        [
            with_request_id,
            with_trace,
            with_metrics,
            with_errors,
            WithDeadline(longest, unbounded),
            WithAuth(guarded, accepted_secrets),
        ]
    )
