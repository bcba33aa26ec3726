"""Sends large requests without a secret, in a separate process: `python -m … HOST:PORT METHOD SECONDS`."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import grpc

_CALLS, _CONNECTIONS = 40, 8
_REQUEST = bytes(8_000_000)
_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]


async def attack(address: str, method: str, seconds: float) -> None:
    """Keeps 40 calls of 8 MB in progress over 8 connections for the given time."""
    ends = time.monotonic() + seconds
    async with AsyncExitStack() as opened:
        channels = [
            await opened.enter_async_context(grpc.aio.insecure_channel(address, options=_OPTIONS))
            for _ in range(_CONNECTIONS)
        ]
        await asyncio.gather(
            *(_keep_calling(channels[number % _CONNECTIONS], method, ends) for number in range(_CALLS))
        )


async def _keep_calling(channel: grpc.aio.Channel, method: str, ends: float) -> None:
    call: Any = channel.unary_unary(method)
    while time.monotonic() < ends:
        try:
            await call(_REQUEST, timeout=20, metadata=(("x-warmup-secret", "wrong"),))
        except grpc.aio.AioRpcError as refused:
            print(refused.code().name, flush=True)


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], sys.argv[2], float(sys.argv[3])))
