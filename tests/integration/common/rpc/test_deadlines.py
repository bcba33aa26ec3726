"""Every call has a deadline: its own, that of its caller, or the limit of the server."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.client.call import call_unary
from services.common.rpc.client.channel import open_channel
from services.common.rpc.limits import LONGEST_CALL_SECONDS
from services.common.rpc.services import FORECASTER
from services.common.runtime import deadline
from tests.integration.common.rpc.replicas import Replica, serving

REQUEST = pb.DescribeRequest()


def _stub(channel: grpc.aio.Channel) -> pb_grpc.ForecasterServiceAsyncStub:
    stub: pb_grpc.ForecasterServiceAsyncStub = pb_grpc.ForecasterServiceStub(channel)
    return stub


async def test_a_call_without_a_deadline_gets_the_default_one() -> None:
    left: list[float | None] = []

    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        left.append(context.time_remaining())
        return pb.DescribeResponse()

    async with serving(Replica("one", describe)) as one:
        async with open_channel(one.address, FORECASTER) as channel:
            await _stub(channel).Describe(REQUEST)
        async with grpc.aio.insecure_channel(one.address) as channel:
            await _stub(channel).Describe(REQUEST)
    assert left[0] is not None
    assert LONGEST_CALL_SECONDS - 60 < left[0] <= LONGEST_CALL_SECONDS + 1
    assert left[1] is None  # set by the channel


async def test_the_time_left_of_a_call_limits_its_own_calls() -> None:
    left: list[float] = []

    async def note(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        left.append(context.time_remaining())
        return pb.DescribeResponse()

    async with serving(Replica("behind", note)) as behind, open_channel(behind.address, FORECASTER) as onward:

        async def hand_on(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
            await call_unary(FORECASTER, _stub(onward).Describe, request, timeout=20)
            with deadline.detached():
                await call_unary(FORECASTER, _stub(onward).Describe, request, timeout=20)
            return pb.DescribeResponse()

        async with serving(Replica("before", hand_on)) as before, open_channel(before.address, FORECASTER) as channel:
            began = time.monotonic()
            await _stub(channel).Describe(REQUEST, timeout=3)
            await _stub(channel).Describe(REQUEST, timeout=1000)
            took = time.monotonic() - began
    short, detached, long, _ = left
    assert 0 < short <= 3
    assert 19.9 - took < detached <= 20.1
    assert 19.9 - took < long <= 20.1  # its own limit is before that of its caller


async def test_a_server_ends_calls_that_exceed_its_limit() -> None:
    ended = asyncio.Event()

    async def never(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return pb.DescribeResponse()

    async with (
        serving(Replica("slow", never), longest=0.2) as slow,
        open_channel(slow.address, FORECASTER) as channel,
    ):
        began = time.monotonic()
        with pytest.raises(WarmcastError) as caught:
            await call_unary(FORECASTER, _stub(channel).Describe, REQUEST, timeout=60)
        assert caught.value.reason is errors.DEADLINE_EXCEEDED
        assert ended.is_set()
        assert time.monotonic() - began < 30


async def test_a_call_without_time_left_is_not_sent() -> None:
    async with serving(Replica("idle")) as idle, open_channel(idle.address, FORECASTER) as channel:
        with deadline.within(0), pytest.raises(WarmcastError) as caught:
            await call_unary(FORECASTER, _stub(channel).Describe, REQUEST, timeout=20)
        assert caught.value.reason is errors.DEADLINE_EXCEEDED
        assert idle.calls == 0
        await call_unary(FORECASTER, _stub(channel).Describe, REQUEST, timeout=20)
        assert idle.calls == 1
