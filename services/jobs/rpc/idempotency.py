"""Calls that come with an Idempotency-Key: run once, and answered the same when they are repeated."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
import structlog
from google.protobuf.message import Message
from prometheus_client import Counter
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.jobs.postgres.idempotency_keys import IdempotencyKeys

log = structlog.get_logger()

REPLAYED = Counter(
    "warmcast_jobs_replayed_calls_total", "Calls answered from what was kept under their key", ["method"]
)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_MOST_BYTES = 1024 * 1024  # of a kept answer; a run of 100 jobs takes a tenth of it
_RENEWALS = 3  # within a lease

Context = grpc.aio.ServicerContext[Any, Any]  # of whichever messages
Handler = Callable[[Any, Context], Awaitable[Message]]


class Repeats:
    """Wraps methods of the servicer. A call without a key passes as it is.

    A call under a key is run to its end though its caller leaves or its deadline passes, since that caller will come
    again for the answer. The key is renewed while the call runs. Who holds one and dies loses it after a lease, and
    then the call may run again: what it did until then is in PostgreSQL or it is not, and nobody is left who knows.
    """

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys
        self._running: set[asyncio.Task[Message]] = set()

    def wrap(self, servicer: object, methods: Iterable[str]) -> None:
        """Puts itself before those of the servicer's methods (short names)."""
        for method in methods:
            REPLAYED.labels(method)  # a series at 0
            setattr(servicer, method, self._once(method, getattr(servicer, method)))

    async def drain(self, seconds: float) -> None:
        """Waits for what still runs, so long; what is then left is cancelled, and its keys are free after a lease."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _once(self, method: str, handler: Handler) -> Handler:
        answer_type: type[Message] = getattr(pb, f"{method}Response")

        async def once(request: Any, context: Context) -> Message:
            key = metadata.read(context.invocation_metadata(), metadata.IDEMPOTENCY_KEY)
            if not key:
                return await handler(request, context)
            if not _KEY.fullmatch(key):
                raise invalid("Idempotency-Key", "an Idempotency-Key is 1 to 255 visible ASCII characters")
            await self._keys.forget_expired()
            holder = uuid.uuid4().hex
            kept = await self._keys.begin(method, key, fingerprint(method, request), holder)
            if kept is not None:
                REPLAYED.labels(method).inc()
                context.set_trailing_metadata(((metadata.IDEMPOTENCY_REPLAYED, "true"),))
                return answer_type.FromString(kept)
            task = asyncio.create_task(self._run(method, key, holder, handler(request, context)))
            self._running.add(task)
            task.add_done_callback(self._ended)
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                waiting = asyncio.current_task()
                if task.cancelled() and waiting is not None and not waiting.cancelling():
                    # The call was given up here; a caller that is gone as well is told nothing.
                    raise WarmcastError(errors.UNAVAILABLE, "this server is about to end", retry_after=1) from None
                raise

        return once

    async def _run(self, method: str, key: str, holder: str, call: Awaitable[Message]) -> Message:
        renewing = asyncio.create_task(self._renew(method, key, holder))
        try:
            response = await call
        except Exception:
            with contextlib.suppress(WarmcastError):  # then it is free after a lease
                await self._keys.release(method, key, holder)
            raise
        finally:
            renewing.cancel()
        await self._keep(method, key, holder, response.SerializeToString())
        return response

    async def _keep(self, method: str, key: str, holder: str, response: bytes) -> None:
        """Keeps the answer where it can; the call is done, and its caller is told so, either way."""
        try:
            if len(response) > _MOST_BYTES:
                log.warning("an answer is too large to be kept under its key", method=method, bytes=len(response))
                await self._keys.release(method, key, holder)
            elif not await self._keys.finish(method, key, holder, response):
                log.warning("an idempotency key was lost while its call ran", method=method)
        except WarmcastError as error:
            log.warning("an answer could not be kept under its key", method=method, reason=error.reason.name)

    async def _renew(self, method: str, key: str, holder: str) -> None:
        while True:
            await asyncio.sleep(self._keys.lease / _RENEWALS)
            try:
                await self._keys.renew(method, key, holder)
            except WarmcastError:
                pass  # the next renewal may still be in time
            except Exception:
                log.exception("an idempotency key could not be renewed", method=method)

    def _ended(self, task: asyncio.Task[Message]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left, and then nobody else asks for it


def fingerprint(method: str, request: Message) -> bytes:
    """What tells one request from another."""
    digest = hashlib.sha256(method.encode() + b"\0")
    digest.update(request.SerializeToString(deterministic=True))
    return digest.digest()
