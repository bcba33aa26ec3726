"""A channel as all callers open it."""

from __future__ import annotations

import json

import grpc

from services.common.rpc.server import MAX_MESSAGE_BYTES


def open_channel(
    address: str, *, idempotent: tuple[str, ...] = (), service: str = "", own_connections: bool = False
) -> grpc.aio.Channel:
    """A lazy, balancing channel to host:port or a dns:/// name; call it inside a running loop.

    Methods of `service` named in `idempotent` are retried by gRPC itself while the server is unavailable. With
    `own_connections` it shares none with other channels to the same address, nor their waits after a failed attempt.
    """
    config: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if idempotent:
        config["methodConfig"] = [
            {
                "name": [{"service": service, "method": method} for method in idempotent],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.service_config", json.dumps(config)),
            ("grpc.use_local_subchannel_pool", int(own_connections)),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            # A peer that is gone without a word is noticed within 15 s at rest, and 5 s in use: gRPC also pings with
            # the first data it sends, sends no keepalive while such a ping is out, and would wait 60 s for that one.
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.keepalive_timeout_ms", 5_000),
            ("grpc.http2.ping_timeout_ms", 5_000),
            # A server that restarts is found again in a second, not in gRPC's default of up to two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1_000),  # also what an attempt may take, which a busy machine needs
            ("grpc.max_reconnect_backoff_ms", 1_000),
        ],
    )
