"""Waits for a connection before a call, so that a service that is still starting is not an error."""

from __future__ import annotations

import asyncio

import grpc

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.services import Service
from services.common.runtime import deadline

_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
# Waits only for the connection: a call that was sent is never sent again.


def wait_for_connection(channel: grpc.Channel, service: Service, seconds: float) -> None:
    """Returns when a replica accepts calls. Raises UNAVAILABLE after `seconds`.

    It calls the health service, because `grpc.channel_ready_future` starts a thread that fails with a traceback if the
    channel is closed soon after.
    """
    check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_HEALTH_CHECK)
    try:
        check(b"", timeout=max(0, deadline.bounded(seconds)), wait_for_ready=True)
    except grpc.RpcError as failure:
        # Any other code is the answer of a replica.
        if isinstance(failure, grpc.Call) and failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise _no_connection(service, seconds) from None


async def wait_for_connection_async(channel: grpc.aio.Channel, service: Service, seconds: float) -> None:
    """The same inside an event loop."""
    try:
        async with asyncio.timeout(deadline.bounded(seconds)):
            await channel.channel_ready()
    except TimeoutError:
        raise _no_connection(service, seconds) from None


def _no_connection(service: Service, seconds: float) -> WarmcastError:
    return WarmcastError(
        errors.UNAVAILABLE,
        f"waited {seconds:g} s for a connection to {service.called}; check the address, and that the service is ready",
        retry_after=1,
    )
