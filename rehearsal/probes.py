"""Probes, made as the kubelet does: each on a new connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devstack.processes.child import DevstackError
from devstack.stores.ports import LOOPBACK

_KNOWN = {"grpc", "httpGet", "periodSeconds", "timeoutSeconds", "failureThreshold", "terminationGracePeriodSeconds"}


@dataclass(frozen=True)
class Probe:
    """One probe of a container. Times are in seconds; `port` is the container's."""

    period: float
    timeout: float
    failures: int  # consecutive failures until the probe counts as failed
    port: int
    path: str | None  # of httpGet; None for grpc
    service: str = ""  # of grpc
    grace: float | None = None  # grace period after a failure; None uses the pod's

    @classmethod
    def read(cls, spec: dict[str, Any], ports: Mapping[str, int]) -> Probe:
        """Reads a probe with Kubernetes' defaults. Raises DevstackError for unsupported fields."""
        if unknown := spec.keys() - _KNOWN:
            raise DevstackError(f"probe fields not supported in a rehearsal: {', '.join(sorted(unknown))}")
        http = spec.get("httpGet")
        check = http or spec["grpc"]
        return cls(
            period=spec.get("periodSeconds", 10),
            timeout=spec.get("timeoutSeconds", 1),
            failures=spec.get("failureThreshold", 3),
            port=ports.get(check["port"], check["port"]),
            path=http["path"] if http else None,
            service=check.get("service", ""),
            grace=spec.get("terminationGracePeriodSeconds"),
        )

    async def passes(self, port: int) -> bool:
        """Probes the local port that the container's port is mapped to."""
        return await (self._grpc(port) if self.path is None else self._http(port, self.path))

    async def _grpc(self, port: int) -> bool:
        # A private pool: a shared one would apply the reconnect back-off of an earlier probe.
        own = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"{LOOPBACK}:{port}", options=own) as channel:
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(service=self.service), timeout=self.timeout
                )
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def _http(self, port: int, path: str) -> bool:
        async with httpx.AsyncClient(timeout=self.timeout, trust_env=False) as client:
            try:
                return (await client.get(f"http://{LOOPBACK}:{port}{path}")).status_code < 400
            except httpx.HTTPError:
                return False
