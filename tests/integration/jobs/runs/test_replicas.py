"""Replicas of the forecaster: their slots are summed, and runs go to the one with most free slots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

import pytest
import trustme
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from devstack.stores.ports import LOOPBACK, free_port, is_free
from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.tls import Tls
from services.jobs.domain.forecaster import CacheState
from services.jobs.rpc import forecaster_replicas
from services.jobs.rpc.forecaster_replicas import Replicas
from tests.integration.common.rpc.names import serving_names
from tests.integration.common.rpc.replicas import Describe, Replica, serving
from tests.waiting import wait_until_async

SOON = 5.0  # seconds until a change must be visible
HOSTS = [f"127.0.0.{n}" for n in range(1, 4)]


def offering(slots: int, *, version: str = "7", replica_id: str = "") -> Describe:
    async def describe(_: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        return pb.DescribeResponse(engine_version=version, worker_slots=slots, replica_id=replica_id)

    return describe


@asynccontextmanager
async def following(target: str, tls: Tls | None = None) -> AsyncIterator[Replicas]:
    replicas = Replicas(target, tls=tls)
    task = asyncio.create_task(replicas.follow(lambda: None))
    try:
        yield replicas
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await replicas.close()


def slots(replicas: Replicas, expected: int) -> Callable[[], Awaitable[bool]]:
    async def are() -> bool:
        try:
            return (await replicas.info()).worker_slots == expected
        except WarmcastError:
            return expected == 0

    return are


async def test_the_slots_of_all_answering_replicas_are_summed() -> None:
    async with (
        serving(Replica("one", offering(2))) as one,
        serving(Replica("two", offering(3))) as two,
        following(f"ipv4:{one.address},{two.address},{LOOPBACK}:{free_port()}") as replicas,
    ):
        info = await replicas.info()
        assert (info.worker_slots, info.replicas, info.engine_version) == (5, 2, "7")
        assert "1 of 3" in info.cause


async def test_a_replica_that_comes_back_is_counted_within_seconds_and_one_that_ends_is_not() -> None:
    port = free_port()
    async with serving(Replica("one", offering(2))) as one, following(f"ipv4:{one.address},{LOOPBACK}:{port}") as all_:
        assert (await all_.info()).worker_slots == 2
        async with serving(Replica("two", offering(3)), port=port):
            await wait_until_async(slots(all_, 5), SOON, "the new one is counted")
        await wait_until_async(slots(all_, 2), SOON, "the one that ended is not")


async def test_changes_of_the_addresses_of_a_name_are_followed() -> None:
    port = free_port()
    while not all(is_free(host, port) for host in HOSTS):
        port = free_port()
    async with AsyncExitStack() as running, serving_names(HOSTS[0]) as names:
        for host in HOSTS:
            await running.enter_async_context(serving(Replica(host, offering(2)), host=host, port=port))
        async with following(f"dns://{LOOPBACK}:{names.port}/forecaster.test:{port}") as replicas:
            assert (await replicas.info()).worker_slots == 2
            names.addresses = HOSTS
            await wait_until_async(slots(replicas, 6), SOON, "three addresses are three replicas")
            names.addresses = HOSTS[1:]
            await wait_until_async(slots(replicas, 4), SOON, "one has left")


@pytest.mark.slow
async def test_a_stalled_replica_is_not_counted_even_beside_a_working_one() -> None:
    stalls: dict[str, asyncio.Event] = {name: asyncio.Event() for name in ("one", "two")}
    for event in stalls.values():
        event.set()

    def stalling(name: str) -> Describe:
        async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
            await stalls[name].wait()
            return await offering(2)(request, context)

        return describe

    async with AsyncExitStack() as running:
        names = ("one", "two", "three")
        each = [
            await running.enter_async_context(serving(Replica(name, stalling(name) if name in stalls else offering(2))))
            for name in names
        ]
        replicas = await running.enter_async_context(following("ipv4:" + ",".join(one.address for one in each)))
        assert (await replicas.info()).worker_slots == 6
        stalls["one"].clear()
        await wait_until_async(slots(replicas, 4), SOON, "the stalled one is not counted")
        stalls["two"].clear()
        await wait_until_async(slots(replicas, 2), SOON, "nor is the second one")
        for event in stalls.values():
            event.set()
        await wait_until_async(slots(replicas, 6), SOON, "both are counted again")


async def test_a_replica_with_two_addresses_counts_once() -> None:
    async with (
        serving(Replica("one", offering(2, replica_id="abc"))) as one,
        serving(Replica("the same elsewhere", offering(2, replica_id="abc"))) as elsewhere,
        serving(Replica("another", offering(2, replica_id="def"))) as another,
        following(f"ipv4:{one.address},{elsewhere.address},{another.address}") as replicas,
    ):
        assert (await replicas.info()).worker_slots == 4


async def test_runs_go_to_the_newer_of_two_engine_versions() -> None:
    async with AsyncExitStack() as running:
        each = [
            await running.enter_async_context(serving(Replica(version, offering(2, version=version))))
            for version in ("9", "10", "10-naive")
        ]
        replicas = await running.enter_async_context(following("ipv4:" + ",".join(one.address for one in each)))
        info = await replicas.info()
        assert (info.worker_slots, info.replicas) == (4, 2)
        for _ in range(6):
            with replicas.run() as replica:
                assert replica.engine_version != "9"
        assert replicas.engine_version in ("10", "10-naive")


async def test_a_run_goes_to_the_replica_with_most_free_slots() -> None:
    async with (
        serving(Replica("one", offering(1))) as one,
        serving(Replica("three", offering(3))) as three,
        following(f"ipv4:{one.address},{three.address}") as replicas,
    ):
        await replicas.info()
        with ExitStack() as runs:
            chosen = [runs.enter_context(replicas.run()).slots for _ in range(4)]
    assert sorted(chosen) == [1, 3, 3, 3]


async def test_a_replica_that_failed_a_run_gets_no_run_until_it_answers_a_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecaster_replicas, "_POLL_EVERY", 3600.0)  # it is polled at once, and not with the next pass
    async with serving(Replica("one", offering(1))) as one, following(f"ipv4:{one.address}") as replicas:
        await replicas.info()
        with replicas.run() as replica:
            replicas.report_failure(replica, WarmcastError(errors.UNAVAILABLE, "it died"))
        with pytest.raises(WarmcastError, match="no replica") as refused, replicas.run():
            pass
        assert refused.value.reason is errors.BUSY
        calls = one.calls
        await wait_until_async(slots(replicas, 1), SOON, "it is polled again")
        assert one.calls == calls + 1


async def test_the_cause_of_a_replica_that_accepts_no_runs_is_reported() -> None:
    async def refuse(_: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        raise WarmcastError(errors.UNAVAILABLE, "the forecast cache refuses writes: it is full")

    async with serving(Replica("full", refuse)) as full, following(full.address) as replicas:
        with pytest.raises(WarmcastError, match="the forecast cache refuses writes: it is full"):
            await replicas.info()


def refusing(cause: str) -> Describe:
    async def refuse(_: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        metadata = {errors.CACHE_CAUSE: cause}
        raise WarmcastError(errors.UNAVAILABLE, f"the cache is {cause}", metadata=metadata)

    return refuse


async def test_a_replica_that_is_not_ready_because_of_its_cache_says_so() -> None:
    # gRPC sends no call to a replica that is not ready.
    async with serving(Replica("one", refusing("unanswered"))) as one, following(one.address) as replicas:
        await one.server.set_ready(False)
        await wait_until_async(slots(replicas, 0), SOON, "it accepts no runs")

        async def described() -> bool:
            (found,) = replicas.described()
            return (found.cause, found.cache_state) == ("the cache is unanswered", CacheState.UNAVAILABLE)

        await wait_until_async(described, SOON, "its cause is named")
        calls = one.calls
        await wait_until_async(lambda: _called(one, calls + 3), 4 * SOON, "it was polled again")
        assert await described(), "and stays named"


async def test_a_replica_that_is_not_ready_for_another_cause_accepts_no_runs() -> None:
    async with serving(Replica("one", offering(2))) as one, following(one.address) as replicas:
        await wait_until_async(slots(replicas, 2), SOON, "it accepts runs")
        await one.server.set_ready(False)
        await wait_until_async(slots(replicas, 0), SOON, "it accepts none")
        calls = one.calls
        await wait_until_async(lambda: _called(one, calls + 2), 4 * SOON, "it described itself")
        assert await slots(replicas, 0)(), "which makes it no more ready"
        await one.server.set_ready(True)
        await wait_until_async(slots(replicas, 2), SOON, "it accepts runs again")


async def _called(replica: Replica, times: int) -> bool:
    return replica.calls >= times


async def test_each_replica_is_described_with_its_slots_and_its_cache() -> None:
    async def computing(_: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        return pb.DescribeResponse(engine_version="7", worker_slots=3, busy_slots=2)

    async with AsyncExitStack() as running:
        described = (computing, refusing("out-of-memory"), refusing("unanswered"))
        each = [await running.enter_async_context(serving(Replica("one", describe))) for describe in described]
        gone = f"{LOOPBACK}:{free_port()}"
        replicas = await running.enter_async_context(
            following("ipv4:" + ",".join((*(one.address for one in each), gone)))
        )
        await wait_until_async(slots(replicas, 3), SOON, "one accepts runs")
        found = {replica.address.removeprefix("ipv4:"): replica for replica in replicas.described()}
    accepting, full, silent = (found[one.address] for one in each)
    assert (accepting.worker_slots, accepting.busy_slots, accepting.cause) == (3, 2, "")
    assert [one.cache_state for one in (accepting, full, silent, found[gone])] == [
        CacheState.WRITABLE,
        CacheState.REFUSES_WRITES,
        CacheState.UNAVAILABLE,
        CacheState.UNKNOWN,
    ]
    assert (full.worker_slots, full.cause) == (0, "the cache is out-of-memory")


async def test_the_certificate_must_have_the_name_of_the_target_not_the_address() -> None:
    authority = trustme.CA()

    def certified(name: str) -> Tls:
        issued = authority.issue_cert(name)
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        return Tls(chain, issued.private_key_pem.bytes(), authority.cert_pem.bytes())

    async with serving_names(LOOPBACK) as names:
        for name, expected in (("forecaster.test", 2), ("another.test", 0)):
            async with serving(Replica("one", offering(2)), tls=certified(name)) as one:
                target = f"dns://{LOOPBACK}:{names.port}/forecaster.test:{one.port}"
                async with following(target, certified("jobs.test")) as replicas:
                    await wait_until_async(slots(replicas, expected), SOON, name)
