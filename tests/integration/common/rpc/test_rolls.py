"""A rolling update without a failed call, with the times of the manifests, shortened."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

import grpc
import pytest
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from devstack.stores.ports import free_port, is_free
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER, Service
from tests.integration.common.rpc.names import serving_names
from tests.integration.common.rpc.replicas import Replica, serving
from tests.unit.deploy.manifests import build, of_kind, pods
from tests.waiting import wait_until_async

PACE = 5  # times faster than in a cluster
OLD, NEW = "127.0.0.1", "127.0.0.2"
WRITES = Service(FORECASTER.name, FORECASTER.called, idempotent=())  # which is never retried


@dataclass(frozen=True)
class Times:
    """The times of a Deployment, in seconds."""

    age: float  # of a connection
    min_ready: float
    pre_stop: float

    @classmethod
    def of(cls, name: str) -> Times:
        prod = build("overlays/prod")
        (config,) = of_kind(prod, "ConfigMap").values()
        return cls(
            age=float(config["data"]["MAX_CONNECTION_AGE_SECONDS"]),
            min_ready=of_kind(prod, "Deployment")[name]["spec"]["minReadySeconds"],
            pre_stop=pods(prod)[name]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"],
        )


@dataclass
class Roll:
    """The result for the callers."""

    failed: Counter[str]  # calls, by status
    found: bool  # whether calls reached the new replica before the old one stopped


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jobs", "forecaster"])
async def test_a_roll_fails_no_call(name: str) -> None:
    assert await _roll(Times.of(name)) == Roll(Counter(), found=True)


@pytest.mark.slow
async def test_a_drain_that_waits_only_for_readiness_fails_no_call() -> None:
    assert await _roll(replace(Times.of("jobs"), min_ready=0)) == Roll(Counter(), found=True)


@pytest.mark.slow
async def test_connections_with_a_long_maximum_age_do_not_find_the_new_replica() -> None:
    rolled = await _roll(replace(Times.of("jobs"), age=300))
    assert not rolled.found


async def _roll(times: Times) -> Roll:
    """Replaces one replica by another, under load."""
    port = _free_on_both()
    age = times.age / PACE
    failed: Counter[str] = Counter()
    async with AsyncExitStack() as running:
        names = await running.enter_async_context(serving_names(OLD))
        old, new = Replica(OLD), Replica(NEW)
        await running.enter_async_context(serving(old, host=OLD, port=port, max_connection_age=age))
        target = f"dns://127.0.0.1:{names.port}/forecaster.test:{port}"
        channel = await running.enter_async_context(open_channel(target, WRITES, resolve_at_most_every=5 / PACE))
        calling = asyncio.create_task(_call(pb_grpc.ForecasterServiceStub(channel), failed))
        await wait_until_async(partial(_called, old), 10, "it is called")
        await running.enter_async_context(serving(new, host=NEW, port=port, max_connection_age=age))
        names.addresses = [OLD, NEW]
        await asyncio.sleep(times.min_ready / PACE)
        names.addresses = [NEW]
        await asyncio.sleep(times.pre_stop / PACE)
        found = new.calls > 0
        await old.server.leave(0.2)
        await old.server.stop(1)
        await wait_until_async(partial(_called, new), 10, "the new one is called")
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    return Roll(failed, found)


async def _called(replica: Replica) -> bool:
    return replica.calls > 0


async def _call(stub: pb_grpc.ForecasterServiceAsyncStub, failed: Counter[str]) -> None:
    while True:
        try:
            await stub.Describe(pb.DescribeRequest(), timeout=5)
        except grpc.aio.AioRpcError as error:
            failed[error.code().name] += 1
        await asyncio.sleep(0.01)  # limits the rate of the load


def _free_on_both() -> int:
    port = free_port()
    while not is_free(NEW, port):
        port = free_port()
    return port
