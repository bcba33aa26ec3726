"""The common gRPC server: tracing, health, channelz behind its flag, shutdown."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.client.call import call_unary
from services.common.rpc.client.channel import open_channel
from services.common.rpc.server.server import NOT_SERVING, READINESS, SERVING
from services.common.rpc.services import FORECASTER
from services.common.telemetry import logs, trace_context
from tests.integration.common.rpc.replicas import Replica, serving
from tests.waiting import wait_until_async

REQUEST = pb.DescribeRequest()


def _stub(channel: grpc.aio.Channel) -> pb_grpc.ForecasterServiceAsyncStub:
    stub: pb_grpc.ForecasterServiceAsyncStub = pb_grpc.ForecasterServiceStub(channel)
    return stub


async def _health(channel: grpc.aio.Channel, name: str) -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
    return int(answer.status)


async def test_the_trace_id_reaches_the_callee_and_every_log_line() -> None:
    seen: list[tuple[dict[str, Any], dict[str, str]]] = []

    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        seen.append((dict(logs.identify(None, "info", {})), dict(metadata.outgoing())))
        return pb.DescribeResponse()

    trace = trace_context.new_traceparent()
    async with serving(Replica("one", describe)) as one, open_channel(one.address, FORECASTER) as channel:
        for header in (str(trace), "nonsense"):
            await _stub(channel).Describe(
                REQUEST, metadata=(("traceparent", header), ("x-request-id", "r-1")), timeout=5
            )
        await _stub(channel).Describe(REQUEST, timeout=5)
    (continued, onward), (begun, _), (own, _) = seen
    assert (continued["trace_id"], continued["request_id"]) == (trace.trace_id, "r-1")
    assert continued["span_id"] not in ("", trace.span_id)
    assert onward["traceparent"] == f"00-{trace.trace_id}-{continued['span_id']}-{trace.flags:02x}"
    assert onward["x-request-id"] == "r-1"
    # A missing or invalid header starts a new trace.
    assert len({trace.trace_id, begun["trace_id"], own["trace_id"]}) == 3


async def test_liveness_and_readiness_are_separate() -> None:
    async with serving(Replica("one")) as one, open_channel(one.address) as channel:
        names = ("", READINESS, FORECASTER.name)
        assert [await _health(channel, name) for name in names] == [SERVING, SERVING, SERVING]
        await one.server.set_ready(False)
        assert [await _health(channel, name) for name in names] == [SERVING, NOT_SERVING, NOT_SERVING]


async def test_liveness_is_determined_by_each_check() -> None:
    alive = True
    async with serving(Replica("one"), alive=lambda: alive) as one, open_channel(one.address) as channel:
        assert await _health(channel, "") == SERVING
        alive = False
        assert [await _health(channel, name) for name in ("", READINESS)] == [NOT_SERVING, SERVING]
        alive = True
        assert await _health(channel, "") == SERVING


async def test_a_stopping_server_stays_alive_and_never_becomes_ready_again() -> None:
    async with serving(Replica("one")) as one, open_channel(one.address) as channel:
        await one.server.leave(lame_duck=0)
        await one.server.set_ready(True)
        assert [await _health(channel, name) for name in ("", READINESS)] == [SERVING, NOT_SERVING]
        assert one.server.leaving.is_set()
        await _stub(channel).Describe(REQUEST, timeout=5)  # it still serves calls


async def test_calls_are_sent_only_to_ready_replicas() -> None:
    async with AsyncExitStack() as running:
        one, two = [await running.enter_async_context(serving(Replica(name))) for name in ("one", "two")]
        address = f"ipv4:{one.address},{two.address}"
        channel = await running.enter_async_context(open_channel(address, FORECASTER))

        async def other_alone() -> bool:
            return not await _is_called(channel, one)

        async def called_again() -> bool:
            return await _is_called(channel, one)

        async def both() -> bool:
            return await _is_called(channel, one) and await _is_called(channel, two)

        await wait_until_async(both, 10, "both are called")
        await one.server.set_ready(False)
        await wait_until_async(other_alone, 10, "only the other is called")
        await one.server.set_ready(True)
        await wait_until_async(called_again, 10, "it is called again")


async def _is_called(channel: grpc.aio.Channel, replica: Replica) -> bool:
    """Whether some of ten calls reached the replica; none may fail."""
    before = replica.calls
    for _ in range(10):
        await _stub(channel).Describe(REQUEST, timeout=5)
    return replica.calls > before


async def test_a_call_fails_at_once_if_no_replica_is_ready() -> None:
    async with serving(Replica("one")) as one, open_channel(one.address, FORECASTER) as channel:
        await one.server.set_ready(False)

        async def refused() -> bool:
            try:
                await call_unary(FORECASTER, _stub(channel).Describe, REQUEST, timeout=5)
            except WarmcastError as error:
                return error.reason is errors.UNAVAILABLE and error.retry_after == 1.0
            return False

        await wait_until_async(refused, 10, "the call is refused")


async def test_a_stopping_server_completes_calls_in_progress() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        begun.set()
        await go_on.wait()
        return pb.DescribeResponse(engine_version="completed")

    async with serving(Replica("one", describe)) as one, open_channel(one.address, FORECASTER) as channel:
        call = asyncio.ensure_future(_stub(channel).Describe(REQUEST, timeout=20))
        await begun.wait()
        await one.server.leave(lame_duck=0)
        stopping = asyncio.create_task(one.server.stop(grace=10))
        done, _ = await asyncio.wait({stopping}, timeout=0.2)
        assert not done
        go_on.set()
        assert (await call).engine_version == "completed"
        async with asyncio.timeout(5):  # the grace period ends once no call is in progress
            await stopping


async def test_a_stopping_server_does_not_wait_for_health_watches() -> None:
    async with serving(Replica("one")) as one, open_channel(one.address, FORECASTER) as channel:
        await _stub(channel).Describe(REQUEST, timeout=5)  # now the channel watches the health of the server
        async with asyncio.timeout(5):
            await one.server.leave(lame_duck=0)
            await one.server.stop(grace=60)


@pytest.mark.parametrize("wanted", [True, False])
async def test_channelz_is_served_only_if_enabled(wanted: bool) -> None:
    async with serving(Replica("one"), with_channelz=wanted) as one, open_channel(one.address) as channel:
        response = channelz_pb2_grpc.ChannelzStub(channel).GetServers(channelz_pb2.GetServersRequest(), timeout=5)
        if wanted:
            assert (await response).server
        else:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await response
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
