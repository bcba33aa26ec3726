"""Probes as the kubelet makes them: each on a new connection, judged by its answer alone."""

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
    failures: int  # in a row, that count as one
    port: int
    path: str | None  # of httpGet
    service: str = ""  # of grpc
    grace: float | None = None  # of what it finds dead; None is the pod's

    @classmethod
    def read(cls, spec: dict[str, Any], ports: Mapping[str, int]) -> Probe:
        """With Kubernetes' defaults. Raises DevstackError for a probe of another kind."""
        if unknown := spec.keys() - _KNOWN:
            raise DevstackError(f"a probe says {', '.join(sorted(unknown))}, which is not rehearsed")
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
        """Probes that port of this machine, which stands for the container's."""
        return await (self._grpc(port) if self.path is None else self._http(port, self.path))

    async def _grpc(self, port: int) -> bool:
        # A pool of its own: a shared one would apply the reconnect back-off of an earlier probe.
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
