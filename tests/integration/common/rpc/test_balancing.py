"""Calls are spread over all replicas, and a new replica gets its share without a restart of any process."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from devstack.stores.ports import free_port, is_free
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER
from tests.integration.common.rpc.names import Names, serving_names
from tests.integration.common.rpc.replicas import Replica, serving
from tests.waiting import wait_until_async

HOSTS = [f"127.0.0.{n}" for n in range(1, 5)]
AGE = 10.0  # seconds
SOON = 5.0  # seconds, in addition to the age of a connection, for a DNS query and new connections
ENOUGH = 0.15  # of the calls; the share of the fourth replica is 0.25


def _free_on_all() -> int:
    """A port that is free on all hosts."""
    port = free_port()
    while not all(is_free(host, port) for host in HOSTS):
        port = free_port()
    return port


async def _share_of_the_fourth(names: Names, port: int, age: float) -> list[float]:
    """The share of the fourth replica in each 40 calls, from its start until AGE and SOON have passed."""
    target = f"dns://127.0.0.1:{names.port}/forecaster.test:{port}"
    shares: list[float] = []
    async with AsyncExitStack() as running:
        for host in HOSTS[:3]:
            await running.enter_async_context(serving(Replica(host), host=host, port=port, max_connection_age=age))
        channel = await running.enter_async_context(open_channel(target, FORECASTER, resolve_at_most_every=1))
        stub: pb_grpc.ForecasterServiceAsyncStub = pb_grpc.ForecasterServiceStub(channel)

        async def called() -> Counter[str]:
            answers = [await stub.Describe(pb.DescribeRequest(), timeout=5) for _ in range(40)]
            return Counter(answer.engine_version for answer in answers)

        async def all_three() -> bool:
            return len(await called()) == 3

        await wait_until_async(all_three, 10, "the calls are spread over three replicas")
        fourth = Replica(HOSTS[3])
        await running.enter_async_context(serving(fourth, host=HOSTS[3], port=port, max_connection_age=age))
        names.addresses = HOSTS
        until = time.monotonic() + AGE + SOON
        while time.monotonic() < until and not (shares and shares[-1] >= ENOUGH):
            counted = await called()
            shares.append(counted[HOSTS[3]] / counted.total())
            await asyncio.sleep(0.05)  # limits the rate of the load
    return shares


@pytest.mark.slow
async def test_a_new_replica_gets_its_share_once_connections_reach_their_maximum_age() -> None:
    async with serving_names(*HOSTS[:3]) as names:
        began = time.monotonic()
        shares = await _share_of_the_fourth(names, _free_on_all(), AGE)
    assert shares[-1] >= ENOUGH, shares
    print(f"after {time.monotonic() - began:.1f} s, {names.queries} DNS queries")


@pytest.mark.timeout(60)
@pytest.mark.slow
async def test_without_a_maximum_age_of_connections_a_new_replica_gets_no_calls() -> None:
    async with serving_names(*HOSTS[:3]) as names:
        shares = await _share_of_the_fourth(names, _free_on_all(), 3600)
    assert set(shares) == {0.0}
