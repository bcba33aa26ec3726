"""Checks before the request of a call is received, and the limit of its size."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from structlog.testing import capture_logs
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from devstack.stores.ports import LOOPBACK
from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.limits import SMALL
from services.common.rpc.server import receiving
from services.common.rpc.server.interceptors import CALLS, InterceptorChain, standard_interceptors, with_errors
from services.common.rpc.server.receiving import Receiver
from services.common.rpc.server.server import Server
from services.common.rpc.status import from_rpc_error
from services.jobs.rpc.servicer import GUARDED, SERVICE
from tests.waiting import wait_until_async

SECRET = "a secret for this test"
INGEST, ENQUEUE, GET = (f"/{SERVICE}/{name}" for name in ("IngestSnapshot", "EnqueueWarmup", "GetWarmup"))


class Servicer:
    """Blocks GetWarmup and IngestSnapshot until the test releases them, and counts EnqueueWarmup. No other method."""

    def __init__(self) -> None:
        self.held = 0
        self.handled = 0
        self.let_go = asyncio.Event()

    async def GetWarmup(self, request: pb.GetWarmupRequest, context: Any) -> pb.GetWarmupResponse:
        self.held += 1
        await self.let_go.wait()
        return pb.GetWarmupResponse()

    async def EnqueueWarmup(self, request: pb.EnqueueWarmupRequest, context: Any) -> pb.EnqueueWarmupResponse:
        self.handled += 1
        return pb.EnqueueWarmupResponse()

    async def IngestSnapshot(self, request: pb.IngestSnapshotRequest, context: Any) -> pb.IngestSnapshotResponse:
        self.held += 1
        await self.let_go.wait()
        return pb.IngestSnapshotResponse()

    async def WatchWarmups(
        self, request: pb.WatchWarmupsRequest, context: Any
    ) -> AsyncIterator[pb.WatchWarmupsResponse]:
        yield pb.WatchWarmupsResponse()

    def __getattr__(self, name: str) -> Any:
        return getattr(jobs_pb2_grpc.JobsServiceServicer, name)


@asynccontextmanager
async def serving(servicer: Servicer, chain: InterceptorChain | None = None, **options: Any) -> AsyncIterator[str]:
    """The address of a server with the interceptors of every service, or the given ones."""
    standard = standard_interceptors(guarded=GUARDED, accepted_secrets=(SECRET,), longest=30, **options)
    server = Server(chain or standard, services=[SERVICE])
    offered: Any = servicer
    jobs_pb2_grpc.add_JobsServiceServicer_to_server(offered, server.grpc)
    port = await server.start(f"{LOOPBACK}:0")
    try:
        yield f"{LOOPBACK}:{port}"
    finally:
        servicer.let_go.set()
        await server.stop(0)


async def _error(call: Any) -> WarmcastError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, service="jobs")


def _endless(channel: grpc.aio.Channel, method: str, *, secret: str = "") -> Any:
    """A call of that method whose request never arrives."""

    async def requests() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    call: Any = channel.stream_unary(method)
    return call(requests(), timeout=20, metadata=(("x-warmup-secret", secret),))


def _raw(channel: grpc.aio.Channel, method: str, request: bytes, *, secret: str = "") -> Any:
    call: Any = channel.unary_unary(method)
    return call(request, timeout=20, metadata=(("x-warmup-secret", secret),))


async def test_a_call_without_the_secret_is_refused_before_its_request_is_received() -> None:
    async with serving(Servicer()) as address, grpc.aio.insecure_channel(address) as channel:
        error = await _error(_endless(channel, INGEST, secret="wrong"))
    assert error.reason is errors.UNAUTHENTICATED


async def test_calls_above_the_limit_are_refused_before_their_request_is_received_except_streams_and_health() -> None:
    servicer = Servicer()
    async with (
        serving(servicer, max_concurrent_calls=2) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub: Any = jobs_pb2_grpc.JobsServiceStub(channel)
        before = CALLS.labels(ENQUEUE, "RESOURCE_EXHAUSTED")._value.get()
        held = [asyncio.ensure_future(stub.GetWarmup(pb.GetWarmupRequest(), timeout=20)) for _ in range(2)]
        await wait_until_async(_reached(lambda: servicer.held == 2), 10, "both calls are held")
        # Before the secret is checked.
        for refused in (_endless(channel, ENQUEUE), _endless(channel, INGEST, secret="wrong")):
            error = await _error(refused)
            assert (error.reason, error.retry_after) == (errors.BUSY, 1.0)
        # A refused call is counted after its answer was sent.
        counted = CALLS.labels(ENQUEUE, "RESOURCE_EXHAUSTED")._value
        await wait_until_async(_reached(lambda: counted.get() == before + 1), 5, "the refused call is counted")
        assert [_ async for _ in stub.WatchWarmups(pb.WatchWarmupsRequest(), timeout=20)]
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        servicer.let_go.set()
        await asyncio.gather(*held)
        await stub.EnqueueWarmup(pb.EnqueueWarmupRequest(), timeout=20)


async def test_calls_whose_request_does_not_arrive_count_towards_the_limit_only_until_their_timeout() -> None:
    chain = standard_interceptors(guarded=GUARDED, accepted_secrets=(SECRET,), longest=30, max_concurrent_calls=2)
    chain = InterceptorChain(chain.interceptors, receiver=Receiver(longest=0.1))
    async with serving(Servicer(), chain) as address, grpc.aio.insecure_channel(address) as channel:
        for late in [_endless(channel, ENQUEUE), _endless(channel, ENQUEUE)]:
            assert (await _error(late)).reason is errors.DEADLINE_EXCEEDED
        await _raw(channel, ENQUEUE, b"")


def _own_connection(address: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


async def test_senders_that_stop_in_the_middle_do_not_block_others() -> None:
    servicer = Servicer()
    async with serving(servicer) as address, AsyncExitStack() as opened:
        own, *others = [await opened.enter_async_context(_own_connection(address)) for _ in range(5)]
        slow = [asyncio.ensure_future(_endless(channel, ENQUEUE)) for channel in others for _ in range(20)]
        async with asyncio.timeout(8):  # below the timeout of each of them
            for _ in range(10):
                await _raw(own, ENQUEUE, b"")
            await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
        for call in slow:
            call.cancel()
        ended = await asyncio.gather(*slow, return_exceptions=True)
    assert servicer.handled == 10
    refused = [error for error in ended if isinstance(error, grpc.aio.AioRpcError)]
    assert refused
    assert {from_rpc_error(error, service="jobs").reason for error in refused} == {errors.BUSY}


async def test_connections_that_exceeded_their_limit_do_not_delay_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_PATIENCE", 30)  # no call times out
    servicer = Servicer()
    async with serving(servicer) as address, _own_connection(address) as one, _own_connection(address) as other:
        too_much = bytes(SMALL.max_bytes + 1)
        assert (await _error(_raw(one, ENQUEUE, too_much))).reason is errors.TOO_LARGE
        slow = [asyncio.ensure_future(_endless(one, ENQUEUE)) for _ in range(10)]
        async with asyncio.timeout(10):
            for _ in range(10):
                await _raw(other, ENQUEUE, b"")
        for call in slow:
            call.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    assert servicer.handled == 10


async def test_a_request_above_its_method_s_limit_is_refused_with_the_method_and_the_limit() -> None:
    servicer = Servicer()
    async with serving(servicer) as address, grpc.aio.insecure_channel(address) as channel:
        name = "x" * SMALL.max_bytes
        error = await _error(_raw(channel, ENQUEUE, pb.EnqueueWarmupRequest(data_hash=name).SerializeToString()))
        assert error.reason is errors.TOO_LARGE
        assert ENQUEUE in error.detail
        assert error.metadata == {"method": ENQUEUE, "maxBytes": str(SMALL.max_bytes)}
        large = health_pb2.HealthCheckRequest(service=name)
        assert (await _error(health_pb2_grpc.HealthStub(channel).Check(large))).reason is errors.TOO_LARGE
        # Above the limit of all methods gRPC itself refuses, by the length alone.
        assert (await _error(_raw(channel, ENQUEUE, bytes(9_000_000)))).reason is errors.TOO_LARGE
    assert servicer.handled == 0


async def test_a_malformed_or_missing_request_is_an_invalid_argument() -> None:
    async def none() -> AsyncIterator[bytes]:
        return
        yield

    async with serving(Servicer()) as address, grpc.aio.insecure_channel(address) as channel:
        assert (await _error(_raw(channel, ENQUEUE, b"\xff"))).reason is errors.INVALID_ARGUMENT
        call: Any = channel.stream_unary(ENQUEUE)
        error = await _error(call(none(), timeout=20))
        assert error.reason is errors.INVALID_ARGUMENT


async def test_large_requests_wait_for_their_turn_without_being_received(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[str] = []
    receive = Receiver._receive

    async def noted(receiver: Receiver, method: str, context: Any) -> bytes | None:
        received.append(method)
        return await receive(receiver, method, context)

    monkeypatch.setattr(receiving.Receiver, "_receive", noted)
    servicer = Servicer()
    async with serving(servicer) as address, grpc.aio.insecure_channel(address) as channel:
        calls = [asyncio.ensure_future(_raw(channel, INGEST, b"", secret=SECRET)) for _ in range(10)]
        await wait_until_async(_reached(lambda: servicer.held == 4), 10, "four imports are in progress")
        await _raw(channel, ENQUEUE, b"")  # other calls are served before them
        assert received == [INGEST] * 4 + [ENQUEUE]
        servicer.let_go.set()
        await asyncio.gather(*calls)


async def test_calls_of_unknown_methods_are_counted_as_one() -> None:
    counted = CALLS.labels("unknown", "UNIMPLEMENTED")
    before = counted._value.get()
    async with serving(Servicer()) as address, grpc.aio.insecure_channel(address) as channel:
        for name in ("Nope", "Neither"):
            with pytest.raises(grpc.aio.AioRpcError):
                await _raw(channel, f"/{SERVICE}/{name}", b"")
    assert counted._value.get() == before + 2
    assert not [labels for labels in CALLS._metrics if "Nope" in labels[0]]


async def test_health_and_reflection_need_no_secret() -> None:
    async with serving(Servicer()) as address, grpc.aio.insecure_channel(address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        responses = [response async for response in stub.ServerReflectionInfo(iter([request, request]), timeout=20)]
    assert [SERVICE in str(response) for response in responses] == [True, True]


async def test_the_request_of_a_refused_call_is_freed() -> None:
    held: list[str] = []

    class Request(bytes):
        def __del__(self) -> None:
            held.remove("request")

    def deserialise(request: bytes) -> Request:
        held.append("request")
        return Request(request)

    async def refuse(request: Request, context: Any) -> bytes:
        raise WarmcastError(errors.INVALID_ARGUMENT, "refused")

    async def crash(request: Request, context: Any) -> bytes:
        return b"".join([request[one:] for one in (1, 1 // 0)])  # a frame that shares the request with another

    server = grpc.aio.server(interceptors=[InterceptorChain([with_errors])], options=[("grpc.so_reuseport", 0)])
    handlers: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(method, deserialise) for name, method in (("R", refuse), ("C", crash))
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("warmcast.test", handlers),))
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    await server.start()
    gc.disable()
    try:
        # Captured, because the traceback on the console keeps all locals alive.
        async with grpc.aio.insecure_channel(f"{LOOPBACK}:{port}") as channel:
            for name in handlers:
                with capture_logs():
                    await _error(_raw(channel, f"/warmcast.test/{name}", b"x"))
                await wait_until_async(_reached(lambda: not held), 5, f"the request of {name} is freed")
    finally:
        gc.enable()
        await server.stop(0)


def _reached(condition: Callable[[], bool]) -> Callable[[], Any]:
    async def reached() -> bool:
        return condition()

    return reached
