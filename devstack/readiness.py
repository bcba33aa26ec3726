"""Readiness and liveness checks, the same as the Kubernetes probes."""

from __future__ import annotations

import http.client

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common.rpc.server.server import READINESS

_TIMEOUT = 2.0  # seconds for one check


def grpc_ready(address: str) -> bool:
    """Checks readiness by the health service at host:port."""
    return _serves(address, READINESS)


def grpc_alive(address: str) -> bool:
    """Checks liveness by the health service at host:port."""
    return _serves(address, "")


def http_ready(host: str, port: int) -> bool:
    """Checks readiness by GET /readyz."""
    return _is_ok(host, port, "/readyz")


def http_alive(host: str, port: int) -> bool:
    """Checks liveness by GET /healthz."""
    return _is_ok(host, port, "/healthz")


def _serves(address: str, name: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=name), timeout=_TIMEOUT
            )
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _is_ok(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
