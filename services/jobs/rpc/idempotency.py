"""Idempotency-Key: a call is run once under its key, and a repeated call gets the kept response."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Protocol, TypeAlias

import grpc
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import Counter

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.common.rpc import metadata

log = structlog.get_logger()

REPLAYED = Counter(
    "warmcast_jobs_replayed_calls_total", "Calls answered with the response kept under their key", ["method"]
)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_MAX_RESPONSE_BYTES = 1024 * 1024  # of a kept response; that of 100 runs has a tenth of it
_RENEWALS_PER_LEASE = 3

Context = grpc.aio.ServicerContext[Any, Any]  # of any messages
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic for the type checker only
Behaviour = Callable[[Any, Context], Awaitable[Message]]


class KeyStore(Protocol):
    """Where keys and responses are kept; see postgres.idempotency_keys.IdempotencyKeys."""

    lease: float  # seconds

    async def begin(self, method: str, key: str, fingerprint: bytes, holder: str) -> bytes | None: ...

    async def renew(self, method: str, key: str, holder: str) -> bool: ...

    async def finish(self, method: str, key: str, holder: str, response: bytes) -> bool: ...

    async def release(self, method: str, key: str, holder: str) -> None: ...

    async def delete_expired(self) -> int: ...


class IdempotencyInterceptor(grpc.aio.ServerInterceptor):
    """Handles keys for the given methods. A call without a key passes unchanged.

    A call with a key runs to its end even if its caller disconnects or its deadline passes, because the caller will
    retry for the response. The key's lease is renewed while the call runs. If the process dies, the lease expires and
    a retry runs the call again.
    """

    def __init__(self, keys: KeyStore, methods: Iterable[str]) -> None:
        """`methods` are unary, as /package.Service/Method; their short names must differ."""
        self._keys = keys
        self._responses = {
            method: (method.rpartition("/")[2], GetMessageClass(_descriptor(method).output_type)) for method in methods
        }
        self._running: set[asyncio.Task[Message]] = set()
        for method, _ in self._responses.values():
            REPLAYED.labels(method)  # starts the series at 0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """See grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        found = self._responses.get(handler_call_details.method)
        if handler is None or found is None:
            return handler
        method, response_type = found
        inner: Any = handler.unary_unary  # asynchronous, which the stubs do not know
        behaviour: Any = partial(self._call, method, response_type, inner)
        return grpc.unary_unary_rpc_method_handler(behaviour, handler.request_deserializer, handler.response_serializer)

    async def drain(self, seconds: float) -> None:
        """Waits up to `seconds` for running calls, then cancels them; their keys are free after a lease."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _call(
        self, method: str, response_type: type[Message], behaviour: Behaviour, request: Message, context: Context
    ) -> Message:
        key = metadata.read(context.invocation_metadata(), metadata.IDEMPOTENCY_KEY)
        if not key:
            return await behaviour(request, context)
        if not _KEY.fullmatch(key):
            raise invalid("Idempotency-Key", "an Idempotency-Key is 1 to 255 visible ASCII characters")
        await self._keys.delete_expired()
        holder = uuid.uuid4().hex
        kept = await self._keys.begin(method, key, fingerprint(method, request), holder)
        if kept is not None:
            REPLAYED.labels(method).inc()
            context.set_trailing_metadata(((metadata.IDEMPOTENCY_REPLAYED, "true"),))
            return response_type.FromString(kept)
        task = asyncio.create_task(self._run(method, key, holder, behaviour(request, context)))
        self._running.add(task)
        task.add_done_callback(self._on_done)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and caller is not None and not caller.cancelling():
                # `drain` cancelled the call, and the caller is still connected.
                raise WarmcastError(errors.UNAVAILABLE, "this server is shutting down", retry_after=1) from None
            raise

    async def _run(self, method: str, key: str, holder: str, call: Awaitable[Message]) -> Message:
        renewal = asyncio.create_task(self._renew(method, key, holder))
        try:
            response = await call
        except Exception:
            with contextlib.suppress(WarmcastError):  # then the key is free after a lease
                await self._keys.release(method, key, holder)
            raise
        finally:
            renewal.cancel()
        await self._keep(method, key, holder, response.SerializeToString())
        return response

    async def _keep(self, method: str, key: str, holder: str, response: bytes) -> None:
        """Keeps the response if possible. The call has succeeded either way."""
        try:
            if len(response) > _MAX_RESPONSE_BYTES:
                log.warning("response is too large to keep under its key", method=method, bytes=len(response))
                await self._keys.release(method, key, holder)
            elif not await self._keys.finish(method, key, holder, response):
                log.warning("lost an idempotency key while its call ran", method=method)
        except WarmcastError as error:
            log.warning("could not keep a response under its key", method=method, reason=error.reason.name)

    async def _renew(self, method: str, key: str, holder: str) -> None:
        while True:
            await asyncio.sleep(self._keys.lease / _RENEWALS_PER_LEASE)
            try:
                await self._keys.renew(method, key, holder)
            except WarmcastError:
                pass  # the next renewal may still be in time
            except Exception:
                log.exception("could not renew an idempotency key", method=method)

    def _on_done(self, task: asyncio.Task[Message]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: the caller may have disconnected


def fingerprint(method: str, request: Message) -> bytes:
    """SHA-256 over method and request, to detect a key that is reused for another request."""
    digest = hashlib.sha256(method.encode() + b"\0")
    digest.update(request.SerializeToString(deterministic=True))
    return digest.digest()


def _descriptor(method: str) -> MethodDescriptor:
    service, _, name = method.removeprefix("/").partition("/")
    found: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
    return found
