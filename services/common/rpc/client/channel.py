"""Opens channels with balancing, retries and keepalive."""

from __future__ import annotations

import json

import grpc

from services.common.rpc.client.bounded_channel import BoundedChannel
from services.common.rpc.limits import MAX_MESSAGE_BYTES
from services.common.rpc.services import Service
from services.common.rpc.tls import Tls

_RESOLVE_AT_MOST_EVERY = 5.0  # seconds
_RETRIES = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def open_channel(
    address: str,
    service: Service | None = None,
    *,
    own_connections: bool = False,
    tls: Tls | None = None,
    resolve_at_most_every: float = _RESOLVE_AT_MOST_EVERY,
    authority: str = "",
    health_checks: bool = True,
) -> grpc.aio.Channel:
    """A lazy, balancing channel to host:port, a dns:/// name or an ipv4: list; call it inside a running loop.

    With `health_checks` it sends no call to a replica that reports NOT_SERVING for `service`. It retries idempotent
    methods. With `own_connections` it shares no connection or reconnect back-off with other channels to the same
    address. `authority` is the name that the server's certificate must have, where the address is not it.
    """
    config = service_config(service, health_checks=health_checks)
    options = [*_options(config, resolve_at_most_every), ("grpc.use_local_subchannel_pool", int(own_connections))]
    if authority:
        options.append(("grpc.default_authority", authority))
    if tls:
        return BoundedChannel(grpc.aio.secure_channel(address, tls.for_callers(), options=options))
    return BoundedChannel(grpc.aio.insecure_channel(address, options=options))


def open_blocking_channel(address: str, service: Service | None = None, *, tls: Tls | None = None) -> grpc.Channel:
    """The same without an event loop; `call.call_unary_blocking` sets the deadlines."""
    options = _options(service_config(service), _RESOLVE_AT_MOST_EVERY)
    if tls:
        return grpc.secure_channel(address, tls.for_callers(), options=options)
    return grpc.insecure_channel(address, options=options)


def service_config(service: Service | None, *, health_checks: bool = True) -> dict[str, object]:
    """gRPC's service config: balancing, health checks, and retries of idempotent methods."""
    config: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if service is not None:
        names = [{"service": service.name, "method": method} for method in service.idempotent]
        config["methodConfig"] = [{"name": names, "retryPolicy": _RETRIES}]
        # While nearly every call fails, retries stop until one in ten succeeds: they would be most of the load.
        config["retryThrottling"] = {"maxTokens": 100, "tokenRatio": 0.1}
        if health_checks:
            config["healthCheckConfig"] = {"serviceName": service.name}
    return config


def _options(config: dict[str, object], resolve_at_most_every: float) -> list[tuple[str, str | int]]:
    return [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # A silent peer is detected within 15 s when idle and 5 s in use. gRPC also pings with the first data it sends,
        # sends no keepalive during such a ping, and would wait 60 s for it.
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.ping_timeout_ms", 5_000),
        # Reconnect to a restarted server within a second; gRPC's default is up to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),  # also the time limit of an attempt
        ("grpc.max_reconnect_backoff_ms", 1_000),
        # Names are resolved again when a connection ends; gRPC's 30 s would hide a new replica for that long.
        ("grpc.dns_min_time_between_resolutions_ms", round(resolve_at_most_every * 1000)),
    ]
