"""The gRPC server of every service, with health, reflection, channelz and an orderly shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence

import grpc
import structlog
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from services.common.rpc.limits import KIB, LONGEST_CALL_SECONDS, MAX_MESSAGE_BYTES, SMALL
from services.common.rpc.server.interceptors import Context, InterceptorChain, count_calls_from_zero
from services.common.rpc.tls import Tls
from services.common.runtime.shutdown import exit_within

log = structlog.get_logger()

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
_LATE_SECONDS = 30.0
# Limits on clients before our code runs.
_BOUNDS = (
    ("grpc.so_reuseport", 0),  # a port in use is an error instead of being shared
    # A window that grows with the bandwidth would hold 8 MiB of each request that is not yet received.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.max_concurrent_streams", 1_000),  # per connection; further calls wait in the client
    ("grpc.max_allowed_incoming_connections", 1_000),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_metadata_size", 8 * KIB),
    ("grpc.absolute_max_metadata_size", 8 * KIB),
)
READINESS = "readiness"  # the health service's name for it; "" is liveness


class Server:
    """A grpc.aio server with separate health for liveness and readiness."""

    def __init__(
        self,
        chain: InterceptorChain,
        *,
        services: Sequence[str],
        inner: Sequence[grpc.aio.ServerInterceptor] = (),
        max_connection_age: float = 300,
        with_channelz: bool = False,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """`services` are full names.

        `max_connection_age` is in seconds: clients then reconnect, and so find new replicas.

        `inner` interceptors run inside the chain, just around the handler. `alive` is evaluated at each liveness check.
        """
        for service in services:
            count_calls_from_zero(service)
        self.services = services
        self.leaving = asyncio.Event()  # set at the start of the shutdown; endless streams end then
        self.grpc = grpc.aio.server(
            interceptors=[chain, *inner],
            options=[
                *_BOUNDS,
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_connection_age_ms", round(max_connection_age * 1000)),
                # A connection at its age takes no new calls; its calls in progress may end.
                ("grpc.max_connection_age_grace_ms", (LONGEST_CALL_SECONDS + 60) * 1000),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        self._probed: grpc.aio.Server | None = None
        self._health = _Health(alive)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        names = [*services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        if with_channelz:
            channelz.add_channelz_servicer(self.grpc)
            names.append(channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name)
        reflection.enable_server_reflection(names, self.grpc)

    async def start(self, address: str, *, tls: Tls | None = None, health: str | None = None) -> int:
        """Listens on host:port (port 0 picks one) and returns the port. Alive at once, ready after `set_ready`.

        `health` is a second address that serves only health, without TLS, for probes.
        """
        port = self._bind(self.grpc, address, tls)
        await self._set(SERVING, "")
        await self.set_ready(False)
        if health:
            self._probed = grpc.aio.server(options=[*_BOUNDS, ("grpc.max_receive_message_length", SMALL.max_bytes)])
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._probed)
            self._bind(self._probed, health)
            await self._probed.start()
        await self.grpc.start()
        log.info("listening", address=address, port=port)
        return port

    async def set_ready(self, ready: bool) -> None:
        """Sets the status for the readiness probe and balancing clients; a leaving server stays NOT_SERVING."""
        await self._set(SERVING if ready and not self.leaving.is_set() else NOT_SERVING, READINESS, *self.services)

    async def leave(self, lame_duck: float) -> None:
        """Reports NOT_SERVING and serves for `lame_duck` more seconds, while clients move to other replicas."""
        self.leaving.set()
        await self.set_ready(False)
        await asyncio.sleep(lame_duck)

    async def stop(self, grace: float) -> None:
        """Refuses new calls and lets those in flight end within `grace` seconds."""
        await self.grpc.stop(grace)
        if self._probed:
            await self._probed.stop(None)  # last, so that liveness passes while the pod drains

    def _bind(self, server: grpc.aio.Server, address: str, tls: Tls | None = None) -> int:
        try:
            return server.add_secure_port(address, tls.for_servers()) if tls else server.add_insecure_port(address)
        except RuntimeError:
            raise SystemExit(f"{self.services[0]}: cannot listen on {address}; is the port taken?") from None

    async def _set(self, status: health_pb2.HealthCheckResponse.ServingStatus, *names: str) -> None:
        for name in names:
            await self._health.set(name, status)


class _Health(health.aio.HealthServicer):  # type: ignore[misc] # no types
    """The standard service; liveness is evaluated at each check."""

    def __init__(self, alive: Callable[[], bool]) -> None:
        super().__init__()
        self._alive = alive

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """See grpc.health.v1.Health."""
        if not request.service and not self._alive():
            return health_pb2.HealthCheckResponse(status=NOT_SERVING)
        return await super().Check(request, context)


async def until_signal(*, drain: float) -> None:
    """Returns at the first SIGTERM or SIGINT. The process then ends within `drain` seconds and 30 more."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    exit_within(drain + _LATE_SECONDS)


def serve_metrics(port: int, *, service: str) -> None:
    """Serves Prometheus metrics on their own port; 0: none. A port in use ends the process with a message."""
    if not port:
        return
    try:
        start_http_server(port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SystemExit(f"{service}: cannot listen on port {port} ({why}); is METRICS_PORT taken?") from None
