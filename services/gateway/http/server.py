"""One uvicorn server as the gateway runs it, and its orderly end."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import structlog
import uvicorn
from starlette.types import ASGIApp

from services.common.runtime.background import Background, beat, report_failure
from services.common.runtime.shutdown import exit_within
from services.gateway.http.connection.bounds import Bounds
from services.gateway.http.connection.protocol import connection, enforce_deadlines
from services.gateway.http.forwarded import LastHop
from services.gateway.routes.service import Readiness
from services.gateway.settings import GatewaySettings, split

log = structlog.get_logger()

_BACKLOG = 2_048  # a thousand simultaneous first calls are refused by nobody
_LATE_SECONDS = 30.0  # after its drain a process that has not ended is ended
# Longer than the idle time of the usual proxies (60 s), so that it is never us who closes under a request.
_KEEP_ALIVE_SECONDS = 75
_OTHER_FILES = 200  # that are open beside connections: channels, logs, the loop's own


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or the end of the process with a line that says why."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SystemExit(f"gateway: cannot listen on {host}:{port} ({why}); is GATEWAY_PORT taken?") from None


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it can be installed; None is asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    settings: GatewaySettings,
    readiness: Readiness,
    end_streams: Callable[[], None],
    *,
    background: Background,
) -> None:
    """Serves until SIGTERM or SIGINT, then drains; a second signal ends it at once.

    In this order: `/readyz` says 503, and each answer is the last of its connection → (lame duck) → the door closes and
    `end_streams` is called → what is in flight may end.
    """
    bounds = bounds_of(settings)
    protocol = connection(bounds)
    _end_unacknowledged(listening, bounds.write_seconds)
    _allow_files(bounds.connections)
    proxies = split(settings.forwarded_allow_ips)
    anyone = "*" in proxies
    config = uvicorn.Config(
        LastHop(app) if anyone else app,
        lifespan="off",
        ws="none",
        loop="auto",
        http=protocol,
        access_log=False,
        log_config=None,
        log_level="error",  # what it warns of is refused here, with a line of its own
        server_header=False,
        proxy_headers=bool(proxies) and not anyone,
        forwarded_allow_ips=",".join(proxies),
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    background.start("deadlines", partial(_sweep, server, bounds.sweep_seconds))
    ending: list[asyncio.Task[None]] = []

    def end() -> None:
        if ending:
            server.should_exit = server.force_exit = True
            return
        readiness.ready = False
        log.info("draining", seconds=settings.drain_seconds)
        exit_within(settings.lame_duck_seconds + settings.drain_seconds + _LATE_SECONDS)
        protocol.leaving = True
        for each in server.server_state.connections:
            if isinstance(each, protocol):
                each.leave()
        ending.append(loop.create_task(_close_door(server, settings.lame_duck_seconds, end_streams)))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    host, port = listening.getsockname()[:2]
    log.info("listening", address=f"{host}:{port}", port=port)
    readiness.ready = True
    try:
        await server.serve(sockets=[listening])
    finally:
        readiness.ready = False


def bounds_of(settings: GatewaySettings) -> Bounds:
    """What a connection may hold, and for how long."""
    return Bounds(
        head_bytes=settings.max_head_bytes,
        body_bytes=settings.max_body_bytes,
        head_seconds=settings.head_timeout_seconds,
        body_seconds=settings.body_timeout_seconds,
        write_seconds=settings.write_timeout_seconds,
        connections=settings.max_connections,
    )


async def _sweep(server: uvicorn.Server, every: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every)
        try:
            enforce_deadlines(server.server_state.connections, loop.time())
        except Exception:
            report_failure()
        beat()


def _end_unacknowledged(listening: socket.socket, seconds: float) -> None:
    """Has the kernel, where it can (Linux), end connections whose client does not take what it was sent.

    Up to the size of the kernel's buffers that is out of the sight of this process.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1_000 * seconds))


def _allow_files(connections: int) -> None:
    """Raises the soft limit of open files, which is 1,024 in many places, to what the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < needed:
            log.warning("the limit of open files is below MAX_CONNECTIONS", files=most, connections=connections)


async def _close_door(server: uvicorn.Server, after: float, end_streams: Callable[[], None]) -> None:
    await asyncio.sleep(after)
    server.should_exit = True
    end_streams()


class _Server(uvicorn.Server):
    """Without uvicorn's own signal handlers, which raise the signal again and so hide a clean exit."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """See uvicorn.Server."""
        yield
