"""Runs one uvicorn server, and drains it at the end."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp

from services.common.runtime.background import Background, beat, report_failure
from services.common.runtime.shutdown import exit_within
from services.gateway.http.connection.bounds import Bounds
from services.gateway.http.connection.protocol import connection_class, enforce_deadlines
from services.gateway.http.forwarded import LastHop
from services.gateway.http.readiness import Readiness

log = structlog.get_logger()

_BACKLOG = 2_048  # enough for a thousand simultaneous first requests
_EXIT_SECONDS = 30.0  # after the drain; then the process exits
# Longer than the idle timeout of usual proxies (60 s): they then close first, and no request meets a closed connection.
_KEEP_ALIVE_SECONDS = 75
_OTHER_FILES = 200  # open files that are not connections: channels, logs, the event loop's


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Ends the process with a message if the address cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SystemExit(f"gateway: cannot listen on {host}:{port} ({why}); is GATEWAY_PORT taken?") from None


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's factory where it is installed; None for asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


@dataclass(frozen=True)
class ServerOptions:
    """Options of the server; times in seconds."""

    bounds: Bounds
    trusted_proxies: tuple[str, ...]  # addresses and networks; `*` trusts every peer
    lame_duck_seconds: float
    drain_seconds: float


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    options: ServerOptions,
    readiness: Readiness,
    end_streams: Callable[[], None],
    *,
    background: Background,
) -> None:
    """Serves until SIGTERM or SIGINT, then drains; a second signal ends it at once.

    Order of the drain: `/readyz` answers 503 and each response closes its connection; after the lame-duck time the
    server stops accepting and `end_streams` is called; requests in flight finish within the drain time.
    """
    bounds = options.bounds
    protocol = connection_class(bounds)
    _limit_unacknowledged(listening, bounds.write_seconds)
    _raise_file_limit(bounds.connections)
    proxies = options.trusted_proxies
    trust_all = "*" in proxies
    config = uvicorn.Config(
        LastHop(app) if trust_all else app,
        lifespan="off",
        ws="none",
        loop="auto",
        http=protocol,
        access_log=False,
        log_config=None,
        log_level="error",  # a warning is about a refused request, which has a log line already
        server_header=False,
        proxy_headers=bool(proxies) and not trust_all,
        forwarded_allow_ips=",".join(proxies),
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(options.drain_seconds)),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    background.start("deadlines", lambda: _enforce_deadlines(server, bounds.sweep_seconds))
    draining: list[asyncio.Task[None]] = []

    def begin_drain() -> None:
        if draining:
            server.should_exit = server.force_exit = True
            return
        readiness.ready = False
        log.info("draining", seconds=options.drain_seconds)
        exit_within(options.lame_duck_seconds + options.drain_seconds + _EXIT_SECONDS)
        protocol.draining = True
        for each in server.server_state.connections:
            if isinstance(each, protocol):
                each.close_after_response()
        draining.append(loop.create_task(_stop_accepting(server, options.lame_duck_seconds, end_streams)))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_drain)
    host, port = listening.getsockname()[:2]
    log.info("listening", address=f"{host}:{port}", port=port)
    readiness.ready = True
    try:
        await server.serve(sockets=[listening])
    finally:
        readiness.ready = False


async def _enforce_deadlines(server: uvicorn.Server, every: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every)
        try:
            enforce_deadlines(server.server_state.connections, loop.time())
        except Exception:
            report_failure()
        beat()


def _limit_unacknowledged(listening: socket.socket, seconds: float) -> None:
    """Lets the kernel (Linux) close connections whose client does not acknowledge what was sent.

    This process cannot see bytes in the kernel's send buffer.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1_000 * seconds))


def _raise_file_limit(connections: int) -> None:
    """Raises the soft limit of open files, often 1,024, to what the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < needed:
            log.warning(
                "too few open files for MAX_CONNECTIONS; raise the limit",
                files=most,
                connections=connections,
            )


async def _stop_accepting(server: uvicorn.Server, after: float, end_streams: Callable[[], None]) -> None:
    await asyncio.sleep(after)
    server.should_exit = True
    end_streams()


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, which raise the signal again and so hide a clean exit."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """See uvicorn.Server."""
        yield
