"""Receives the request of an authorised call: few at a time, within a time limit, and up to the method's limit.

grpc.aio receives and deserialises the request of a unary method before our code runs. A streaming handler receives
when it reads, so the interceptors register every method as streaming. Until then the transport holds one flow-control
window of a request, 64 KiB.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.limits import MAX_MESSAGE_BYTES, request_limit
from services.common.rpc.status import to_status

_PLACES = 4  # requests received at once, each up to MAX_MESSAGE_BYTES; one more for slow connections
_PATIENCE = 0.05  # seconds after which an incomplete request may lose its place
_LONGEST = 10.0  # seconds that a request may take to arrive
_MISUSE_SECONDS = 10.0  # for which a connection uses the slow places
_MAX_MISUSERS = 1_000  # as many as there can be connections

Deserialise = Callable[[bytes], Any] | None  # to a message of any method
Context = grpc.aio.ServicerContext[Any, Any]


class Receiver:
    """Bounds the memory of requests that are being received: few places × MAX_MESSAGE_BYTES.

    Clients that stop midway or send too much cannot block others. While calls wait for a place, a request that takes
    longer than twice `_PATIENCE` is refused, and its connection then shares a single place with other slow ones. A
    complete request, as every small one is at the start of its call, is received in microseconds.
    """

    def __init__(self, *, longest: float = _LONGEST) -> None:
        self._longest = longest
        self._places, self._slow_places = _Places(_PLACES), _Places(1)
        self._misusers: dict[str, float] = {}  # connection → end of its restriction, oldest first
        self._turns: dict[str, asyncio.Semaphore] = {}

    def turn(self, method: str) -> AbstractAsyncContextManager[None]:
        """Waits until fewer than the method's `at_once` calls are inside."""
        at_once = request_limit(method).at_once
        if at_once is None:
            return contextlib.nullcontext()
        return self._turns.setdefault(method, asyncio.Semaphore(at_once))

    async def request(self, method: str, context: Context, deserialise: Deserialise) -> Any:
        """The one request of a call. Raises WarmcastError: TOO_LARGE, INVALID_ARGUMENT, BUSY, DEADLINE_EXCEEDED."""
        received = await self._receive(method, context)
        if received is None:
            raise WarmcastError(errors.INVALID_ARGUMENT, f"no request of {method} was received")
        return _deserialised(method, received, deserialise)

    async def requests(self, method: str, context: Context, deserialise: Deserialise) -> AsyncIterator[Any]:
        """All requests of a call that streams them."""
        while (received := await self._receive(method, context)) is not None:
            yield _deserialised(method, received, deserialise)

    async def _receive(self, method: str, context: Context) -> bytes | None:
        max_bytes = request_limit(method).max_bytes
        if max_bytes >= MAX_MESSAGE_BYTES:  # `turn` bounds these, and gRPC refuses larger ones
            return await self._read(method, context)
        while True:
            places = self._places_of(context)
            async with places:
                if places is self._places_of(context):
                    received = await self._read(method, context, places)
                    break
        if received is not None and len(received) > max_bytes:
            self._note_misuse(context)
            raise _too_large(method, max_bytes, len(received))
        return received

    async def _read(self, method: str, context: Context, places: _Places | None = None) -> bytes | None:
        # Aborting the call ends the read. Cancelling the read would leak a message that arrives later.
        watch = _Later(_PATIENCE, lambda: self._refuse_if_slow(method, context, places))
        try:
            received = await context.read()
        finally:
            watch.cancel()
        return None if received is grpc.aio.EOF else received

    async def _refuse_if_slow(self, method: str, context: Context, places: _Places | None) -> None:
        ends = asyncio.get_running_loop().time() + self._longest
        late = f"the request of {method} did not arrive in {self._longest:g} s"
        error = WarmcastError(errors.DEADLINE_EXCEEDED, late, retry_after=1)
        while asyncio.get_running_loop().time() < ends:
            # Not at the first timer: it may fire because this event loop was busy.
            await asyncio.sleep(_PATIENCE)
            if places and places.waiting:
                busy = f"the request of {method} arrived too slowly while others waited"
                error = WarmcastError(errors.BUSY, busy, retry_after=1)
                break
        self._note_misuse(context)
        with contextlib.suppress(grpc.aio.BaseError):  # the call may have ended
            await context.abort(*to_status(error))

    def _places_of(self, context: Context) -> _Places:
        until = self._misusers.get(context.peer(), 0.0)
        return self._slow_places if until > asyncio.get_running_loop().time() else self._places

    def _note_misuse(self, context: Context) -> None:
        self._misusers.pop(context.peer(), None)
        while len(self._misusers) >= _MAX_MISUSERS:
            del self._misusers[next(iter(self._misusers))]
        self._misusers[context.peer()] = asyncio.get_running_loop().time() + _MISUSE_SECONDS


class _Places:
    """A number of places, given in the order of waiting."""

    def __init__(self, count: int) -> None:
        self.waiting = 0
        self._semaphore = asyncio.Semaphore(count)

    async def __aenter__(self) -> None:
        self.waiting += 1
        try:
            await self._semaphore.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._semaphore.release()


class _Later:
    """Starts a task after a delay, unless cancelled before; cancels it otherwise."""

    def __init__(self, delay: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(delay, self._start)

    def cancel(self) -> None:
        self._timer.cancel()
        if self._task:
            self._task.cancel()

    def _start(self) -> None:
        self._task = asyncio.create_task(self._work())


def _too_large(method: str, max_bytes: int, size: int) -> WarmcastError:
    return WarmcastError(
        errors.TOO_LARGE,
        f"a request of {method} may have {max_bytes:,} bytes; this one has {size:,}",
        metadata={"method": method, "maxBytes": str(max_bytes)},
    )


def _deserialised(method: str, received: bytes, deserialise: Deserialise) -> Any:
    try:
        return deserialise(received) if deserialise else received
    except DecodeError:
        raise WarmcastError(errors.INVALID_ARGUMENT, f"the request is no message of {method}") from None
