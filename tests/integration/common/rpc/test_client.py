"""Both clients against a real server: the same responses, errors, retries and deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from warmcast.client import Deadlines, Forecaster, WarmcastError, aio, errors, within
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from tests.integration.common.rpc.replicas import Replica, serving

Describe = Callable[[], Awaitable[pb.DescribeResponse]]
Open = Callable[[str], Any]  # an async context manager that yields a Describe


@asynccontextmanager
async def _blocking(address: str) -> AsyncIterator[Describe]:
    with Forecaster(address, deadlines=Deadlines(read=8)) as client:
        yield lambda: asyncio.to_thread(client.describe)


@asynccontextmanager
async def _aio(address: str) -> AsyncIterator[Describe]:
    async with aio.Forecaster(address, deadlines=Deadlines(read=8)) as client:
        yield client.describe


@pytest.fixture(params=[_blocking, _aio], ids=["blocking", "aio"])
def opened(request: pytest.FixtureRequest) -> Open:
    chosen: Open = request.param
    return chosen


async def test_a_call_answers_and_has_a_deadline(opened: Open) -> None:
    left: list[float] = []

    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        left.append(context.time_remaining())
        return pb.DescribeResponse(engine_version="7")

    async with serving(Replica("one", describe)) as one, opened(one.address) as describe_remote:
        assert (await describe_remote()).engine_version == "7"
        with within(3):  # copied to threads, as asyncio.to_thread does
            await describe_remote()
    assert 3.1 < left[0] <= 8.1  # gRPC rounds up
    assert left[1] <= 3.1


async def test_an_error_is_an_exception_with_all_details_of_the_server(opened: Open) -> None:
    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        raise WarmcastError(
            errors.BUSY, "no room", fields=(("keys", "too many"),), retry_after=1.5, metadata={"leaseId": "7"}
        )

    async with serving(Replica("one", describe)) as one, opened(one.address) as describe_remote:
        with pytest.raises(WarmcastError, match="no room") as caught:
            await describe_remote()
    error = caught.value
    assert (error.reason, error.fields, error.retry_after) == (errors.BUSY, (("keys", "too many"),), 1.5)
    assert error.metadata == {"leaseId": "7"}


async def test_a_read_is_retried(opened: Open) -> None:
    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        if one.calls < 3:
            raise WarmcastError(errors.UNAVAILABLE, "not now")
        return pb.DescribeResponse()

    one = Replica("one", describe)
    async with serving(one), opened(one.address) as describe_remote:
        await describe_remote()
    assert one.calls == 3


async def test_the_error_for_an_unreachable_server_names_its_address(opened: Open) -> None:
    async with serving(Replica("one")) as one:
        address = one.address
    async with opened(address) as describe_remote:
        with pytest.raises(WarmcastError, match=f"the forecaster at {address} could not answer") as caught:
            await describe_remote()
    assert (caught.value.reason, caught.value.retry_after) == (errors.UNAVAILABLE, 1.0)
