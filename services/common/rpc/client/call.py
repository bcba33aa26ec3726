"""One unary call as every caller makes it: an end, metadata, and errors that a caller may see."""

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
Answer = TypeVar("Answer")


async def ask(
    service: Service,
    call: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
    request: Request,
    *,
    timeout: float,
    secret: str | None = None,
    debug_id: str | None = None,
    more: metadata.Metadata = (),
    answered: Callable[[grpc.aio.Call], Awaitable[None]] | None = None,
) -> Answer:
    """Asks within `timeout` seconds, or what is left to the work that this is done for. Raises WarmcastError.

    `more` goes along as metadata; `answered` is shown the call once its answer is there.
    """
    sent = metadata.outgoing(secret=secret, debug_id=debug_id)
    try:
        made = call(request, timeout=_time_left(timeout), metadata=(*sent, *more))
        answer = await made
        if answered is not None:
            await answered(made)
        return answer
    except grpc.aio.AioRpcError as failure:
        raise from_rpc_error(failure, asked=service.called) from None


def ask_blocking(
    service: Service,
    call: grpc.UnaryUnaryMultiCallable[Request, Answer],
    request: Request,
    *,
    timeout: float,
    secret: str | None = None,
) -> Answer:
    """The same for callers without a loop."""
    sent = metadata.outgoing(secret=secret)
    try:
        return call(request, timeout=_time_left(timeout), metadata=sent)
    except grpc.RpcError as failure:
        if not isinstance(failure, grpc.Call):
            raise
        raise from_rpc_error(failure, asked=service.called) from None


def _time_left(timeout: float) -> float:
    left = deadline.bounded(timeout)
    if left <= 0:
        # gRPC rounds up, and would send it all the same.
        raise WarmcastError(errors.DEADLINE_EXCEEDED, "no time was left to ask", retry_after=1)
    return left
