"""The shifted clock: only the wall clock of one process changes."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.chaos.world import shifted_clock

_PRINT_CLOCKS = """
import datetime, time
from datetime import datetime as imported
print(time.time(), time.time_ns() / 1e9, imported.now().timestamp(), imported.now(datetime.UTC).timestamp())
print(time.monotonic())
print(type(imported.now()) is imported)
"""

# A call with a timeout of 20 s: prints the time remaining as the server and the client see it.
_CALL = """
import asyncio, grpc

async def main():
    server = grpc.aio.server()
    async def left(request, context):
        return str(context.time_remaining()).encode()
    handlers = {"left": grpc.unary_unary_rpc_method_handler(left)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("x", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/x/left")(b"", timeout=20)
        own = call.time_remaining()
        print((await call).decode(), own)
    await server.stop(None)

asyncio.run(main())
"""


@pytest.mark.parametrize("hours", [-30, 0, 30])
def test_only_the_wall_clock_is_shifted(hours: int) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _PRINT_CLOCKS], env=shifted_clock(hours * 3600), capture_output=True, check=True
    )
    wall, monotonic, same_class = result.stdout.decode().splitlines()
    assert [float(each) for each in wall.split()] == pytest.approx([time.time() + hours * 3600] * 4, abs=60)
    assert float(monotonic) == pytest.approx(time.monotonic(), abs=60)
    assert same_class == "True"


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_shifted_clock_does_not_change_the_deadline_of_a_call(hours: int) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _CALL], env=shifted_clock(hours * 3600), capture_output=True, check=True
    )
    seen, left = map(float, result.stdout.split())
    # On the wire gRPC rounds a timeout of this size up to the next tenth of a second.
    assert 10 < seen <= 20.1
    assert 10 < left <= 20.1
