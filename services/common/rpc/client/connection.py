"""Waits for a connection before a call, so that a service that is still starting is not an error."""

from __future__ import annotations

import asyncio

import grpc

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.services import Service
from services.common.runtime import deadline

# Waits only for the connection: a call that was sent is never sent again.


def wait_for_connection(channel: grpc.Channel, service: Service, seconds: float) -> None:
    """Returns when a replica accepts calls. Raises UNAVAILABLE after `seconds`."""
    try:
        grpc.channel_ready_future(channel).result(timeout=max(0, deadline.bounded(seconds)))
    except grpc.FutureTimeoutError:
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
