"""Fake jobs and forecaster: real gRPC servers that record calls and return what a test sets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc, operations_pb2, operations_pb2_grpc

from services.common.errors import WarmcastError
from services.common.rpc.status import to_status

# Requests and responses are arbitrary messages, because one class fakes both services.
Reply: TypeAlias = "Message | WarmcastError | Callable[[Any], Message | Awaitable[Message | WarmcastError]]"


@dataclass
class Call:
    """One received call."""

    request: Any
    metadata: dict[str, str | bytes]
    deadline: float | None  # seconds until the deadline


@dataclass
class Peer:
    """One fake service. A method without a reply returns an empty message."""

    replies: dict[str, Reply] = field(default_factory=dict)
    calls: defaultdict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    trailing: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # trailing metadata by method
    lacking: set[str] = field(default_factory=set)  # methods of newer releases

    async def answer(self, method: str, empty: Message, request: Any, context: Any) -> Message:
        """Records the call and returns the reply of `method`."""
        if method in self.lacking:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        metadata = dict(context.invocation_metadata())
        self.calls[method].append(Call(request, metadata, context.time_remaining()))
        reply = self.replies.get(method, empty)
        if callable(reply):
            returned = reply(request)
            reply = returned if isinstance(returned, Message) else await returned
        if isinstance(reply, WarmcastError):
            await context.abort(*to_status(reply))
        assert isinstance(reply, Message)
        context.set_trailing_metadata(self.trailing.get(method, ()))
        return reply

    def only(self, method: str) -> Call:
        """The one call of `method`."""
        assert len(self.calls[method]) == 1, (method, self.calls[method])
        return self.calls[method][0]


@dataclass
class FakeJobs(Peer):
    """A fake jobs service; a test publishes its changes."""

    watchers: list[asyncio.Queue[jobs_pb2.WatchWarmupsResponse | None]] = field(default_factory=list)

    async def WatchWarmups(self, request: Any, context: Any) -> AsyncIterator[jobs_pb2.WatchWarmupsResponse]:
        """Like the real one: an empty message at once, then the published changes."""
        queue: asyncio.Queue[jobs_pb2.WatchWarmupsResponse | None] = asyncio.Queue()
        self.watchers.append(queue)
        yield jobs_pb2.WatchWarmupsResponse(missed=True)
        while (change := await queue.get()) is not None:
            yield change

    def publish(self, change: jobs_pb2.WatchWarmupsResponse | None) -> None:
        """Publishes to all watchers; None ends their streams."""
        for queue in self.watchers:
            queue.put_nowait(change)
        if change is None:
            self.watchers.clear()


class FakeForecaster(Peer):
    """A fake forecaster."""

    async def GenerateForecasts(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """Recorded, so that a test can show that it is never called."""
        self.calls["GenerateForecasts"].append(Call(request, {}, None))
        yield forecaster_pb2.GenerateForecastsResponse()


def _add_methods(kind: type[Peer], module: Any, service: str) -> None:
    """Adds to `kind` a method for each unary RPC of the service."""
    for method in module.DESCRIPTOR.services_by_name[service].methods:
        if method.server_streaming:
            continue
        empty = GetMessageClass(method.output_type)()

        async def handle(self: Peer, request: Any, context: Any, name: str = method.name, empty: Any = empty) -> Any:
            return await self.answer(name, empty, request, context)

        setattr(kind, method.name, handle)


_add_methods(FakeJobs, jobs_pb2, "JobsService")
_add_methods(FakeJobs, operations_pb2, "OperationsService")
_add_methods(FakeForecaster, forecaster_pb2, "ForecasterService")


@asynccontextmanager
async def listening(*peers: Peer, port: int = 0) -> AsyncIterator[str]:
    """Starts one server for all `peers` on 127.0.0.1 and yields its address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    for peer in peers:
        if isinstance(peer, FakeJobs):
            jobs_pb2_grpc.add_JobsServiceServicer_to_server(peer, server)  # type: ignore[arg-type] # _add_methods added its methods
            operations_pb2_grpc.add_OperationsServiceServicer_to_server(peer, server)  # type: ignore[arg-type] # same
        if isinstance(peer, FakeForecaster):
            forecaster_pb2_grpc.add_ForecasterServiceServicer_to_server(peer, server)  # type: ignore[arg-type] # same
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
