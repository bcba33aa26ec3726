"""Replicas of a service on the real `rpc.server`, with handlers of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from devstack.stores.ports import LOOPBACK
from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.server import Server
from services.common.rpc.services import FORECASTER
from services.common.rpc.tls import Tls

Describe = Callable[[pb.DescribeRequest, Any], Awaitable[pb.DescribeResponse]]


class Replica:
    """Serves only `Describe`: with the test's handler, or with its name as the engine version."""

    def __init__(self, name: str, describe: Describe | None = None) -> None:
        self.name = name
        self.calls = 0
        self._describe = describe
        self.server: Server
        self.port = 0

    @property
    def address(self) -> str:
        """The address it listens on."""
        return f"{LOOPBACK}:{self.port}"

    async def describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        """Counts the call."""
        self.calls += 1
        if self._describe:
            return await self._describe(request, context)
        return pb.DescribeResponse(engine_version=self.name)


@asynccontextmanager
async def serving(
    replica: Replica,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    longest: float = 30,
    tls: Tls | None = None,
    **options: Any,
) -> AsyncIterator[Replica]:
    """The replica, ready; `options` are those of rpc.server.Server."""
    chain = standard_interceptors(guarded=frozenset(), accepted_secrets=(), longest=longest)
    replica.server = Server(chain, services=[FORECASTER.name], **options)
    handler = grpc.unary_unary_rpc_method_handler(
        replica.describe, pb.DescribeRequest.FromString, pb.DescribeResponse.SerializeToString
    )
    replica.server.grpc.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(FORECASTER.name, {"Describe": handler}),)
    )
    replica.port = await replica.server.start(f"{host}:{port}", tls=tls)
    await replica.server.set_ready(True)
    try:
        yield replica
    finally:
        await replica.server.stop(0)
