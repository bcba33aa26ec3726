"""One unary call as every caller makes it: with a deadline, metadata, and errors as WarmcastError."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.services import Service
from services.common.rpc.status import from_rpc_error
from services.common.runtime import deadline

Request = TypeVar("Request")
Response = TypeVar("Response")


async def call_unary(
    service: Service,
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    *,
    timeout: float,
    secret: str | None = None,
    debug_id: str | None = None,
    more: metadata.Metadata = (),
    answered: Callable[[grpc.aio.Call], Awaitable[None]] | None = None,
) -> Response:
    """Calls with a deadline of `timeout` seconds, or of this task where that is nearer. Raises WarmcastError.

    `more` is sent as further metadata; `answered` gets the call after its response.
    """
    sent = metadata.outgoing(secret=secret, debug_id=debug_id)
    try:
        started = method(request, timeout=_time_left(timeout), metadata=(*sent, *more))
        response = await started
        if answered is not None:
            await answered(started)
        return response
    except grpc.aio.AioRpcError as failure:
        raise from_rpc_error(failure, service=service.called) from None


def call_unary_blocking(
    service: Service,
    method: grpc.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    *,
    timeout: float,
    secret: str | None = None,
    more: metadata.Metadata = (),
) -> Response:
    """The same without an event loop."""
    sent = metadata.outgoing(secret=secret)
    try:
        return method(request, timeout=_time_left(timeout), metadata=(*sent, *more))
    except grpc.RpcError as failure:
        if not isinstance(failure, grpc.Call):
            raise
        raise from_rpc_error(failure, service=service.called) from None


def _time_left(timeout: float) -> float:
    left = deadline.bounded(timeout)
    if left <= 0:
        # gRPC rounds a deadline up, and would send the call.
        raise WarmcastError(errors.DEADLINE_EXCEEDED, "the deadline passed before the call was sent", retry_after=1)
    return left
