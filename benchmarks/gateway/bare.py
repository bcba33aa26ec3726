"""The gateway's reference: a Starlette application under the same server, with a gRPC echo behind it.

`python -m benchmarks.gateway.bare http PORT ECHO_PORT FILE` serves the file's bytes at /same, 304 at /unmodified, and
one echo RPC a request at /echo. `… echo PORT` serves the echo.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grpc
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.common.runtime.background import Background
from services.common.runtime.gc_tuning import collect_less_often
from services.gateway.bootstrap import server_options
from services.gateway.http import server
from services.gateway.http.readiness import Readiness
from services.gateway.settings import GatewaySettings

_METHOD = "/benchmark.Echo/Echo"


async def http(port: int, echo_port: int, body: bytes) -> None:
    """Serves until SIGTERM."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{echo_port}") as channel:
        call = channel.unary_unary(_METHOD)

        async def same(_request: Request) -> Response:
            return Response(body, media_type="application/json")

        async def unmodified(_request: Request) -> Response:
            return Response(status_code=304)

        async def echoed(_request: Request) -> Response:
            return Response(await call(b"hello", timeout=2), media_type="application/json")

        app = Starlette(routes=[Route("/same", same), Route("/unmodified", unmodified), Route("/echo", echoed)])
        collect_less_often()  # as the gateway does
        listening = server.listen("127.0.0.1", port)
        background = Background()
        options = server_options(GatewaySettings())
        await server.serve(app, listening, options, Readiness(), lambda: None, background=background)
        await background.stop()


async def echo(port: int) -> None:
    """Serves until it is killed."""

    async def answer(request: bytes, _context: object) -> bytes:
        return request

    server = grpc.aio.server()
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("benchmark.Echo", handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    if sys.argv[1] == "echo":
        uvloop.run(echo(int(sys.argv[2])))
    else:
        uvloop.run(http(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]).read_bytes()))
