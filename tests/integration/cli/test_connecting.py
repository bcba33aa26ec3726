"""Client commands wait for a connection, and for nothing else."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from warmcast.client import Deadlines, Jobs, WarmcastError, aio, errors, within
from warmcast.jobs.v1 import jobs_pb2 as pb

from devstack.stores.ports import free_port
from services.common.errors import Reason
from tests.chaos.proxy import LinkFault, Proxy
from tests.integration.common.rpc.names import serving_names
from tests.integration.gateway.peers import FakeJobs, listening
from tests.waiting import wait_until

LATE = 1.0  # seconds for which a new pod was refused
SCHEDULED = (("run-warmup",), ("sweep",), ("refresh",), ("retention",))


@pytest.fixture
def address() -> str:
    """Where nothing listens yet."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def cut_off() -> Iterator[Callable[[str], Proxy]]:
    """Makes a proxy before an address that accepts connections and closes them."""
    made: list[Proxy] = []

    def make(address: str) -> Proxy:
        proxy = Proxy("link", _port(address))
        proxy.fault = LinkFault.CUT
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        proxy.close()


@pytest.mark.parametrize("command", [*SCHEDULED, ("jobs", "list"), ("status",)], ids=" ".join)
async def test_a_command_succeeds_against_a_server_that_listens_a_second_later(
    address: str, command: tuple[str, ...]
) -> None:
    begun = asyncio.create_task(run(address, *command))
    await asyncio.sleep(LATE)
    async with listening(FakeJobs(), port=_port(address)):
        ended = await begun
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("command", SCHEDULED, ids=" ".join)
async def test_a_command_succeeds_through_a_link_that_is_cut_at_first(
    command: tuple[str, ...], cut_off: Callable[[str], Proxy]
) -> None:
    async with listening(FakeJobs()) as address:
        proxy = cut_off(address)
        begun = asyncio.create_task(run(f"127.0.0.1:{proxy.port}", *command))
        await _refused(proxy)
        proxy.fault = LinkFault.NONE
        ended = await begun
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow  # a question that is lost is asked again after two seconds
async def test_a_command_succeeds_although_its_service_s_name_is_not_found_for_a_second() -> None:
    async with listening(FakeJobs()) as address, serving_names("127.0.0.1") as names:
        names.silent = True
        begun = asyncio.create_task(run(f"dns://127.0.0.1:{names.port}/jobs.test:{_port(address)}", "sweep"))
        await asyncio.to_thread(wait_until, lambda: names.unanswered, 30, "its first question is lost")
        await asyncio.sleep(LATE)
        names.silent = False
        ended = await begun
    assert ended.returncode == 0, ended.stderr


async def test_a_command_that_waited_in_vain_names_the_address_and_the_wait(address: str) -> None:
    begun = time.monotonic()
    ended = await run(address, "sweep", "--wait", "1.5")
    assert time.monotonic() - begun >= 1.5
    assert ended.returncode == 4
    assert ended.stderr == (
        f"warmcast: waited 1.5 s for a connection to jobs at {address}; "
        "check the address, and that the service is ready\n"
    )


async def test_status_waits_for_two_seconds(address: str) -> None:
    ended = await run(address, "status")
    assert (ended.returncode, "waited 2 s" in ended.stderr) == (4, True)


async def test_without_a_wait_a_command_fails_at_once(address: str) -> None:
    ended = await run(address, "sweep", "--wait", "0")
    assert (ended.returncode, "could not answer" in ended.stderr) == (4, True)


@pytest.mark.parametrize("reason", [errors.UNAVAILABLE, errors.BUSY])
async def test_what_a_server_refuses_is_not_sent_again(reason: Reason) -> None:
    jobs = FakeJobs({"Sweep": WarmcastError(reason, "not now")})
    async with listening(jobs) as address:
        ended = await run(address, "sweep")
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (4, "warmcast: not now")
    jobs.only("Sweep")


async def test_a_call_whose_connection_is_lost_is_not_sent_again(cut_off: Callable[[str], Proxy]) -> None:
    def lose(request: object) -> pb.SweepResponse:
        with proxy.with_fault(LinkFault.RESET):
            return pb.SweepResponse()

    jobs = FakeJobs({"Sweep": lose})
    async with listening(jobs) as address:
        proxy = cut_off(address)
        proxy.fault = LinkFault.NONE
        ended = await run(f"127.0.0.1:{proxy.port}", "sweep")
    assert ended.returncode == 4
    jobs.only("Sweep")


@pytest.mark.parametrize("call", ["blocking", "aio"])
async def test_both_clients_wait_for_a_connection_as_long_as_their_deadlines_allow(
    cut_off: Callable[[str], Proxy], call: str
) -> None:
    async with listening(FakeJobs()) as address:
        proxy = cut_off(address)
        async with client(call, f"127.0.0.1:{proxy.port}", Deadlines(connect=10)) as sweep:
            begun = asyncio.create_task(sweep())
            await _refused(proxy)
            proxy.fault = LinkFault.NONE
            assert await begun == pb.SweepResponse()


@pytest.mark.parametrize("call", ["blocking", "aio"])
async def test_the_wait_ends_with_the_work_that_it_is_done_for(address: str, call: str) -> None:
    begun = time.monotonic()
    async with client(call, address, Deadlines(connect=60)) as sweep:
        with within(0.5), pytest.raises(WarmcastError) as caught:
            await sweep()
    assert caught.value.reason is errors.UNAVAILABLE
    assert time.monotonic() - begun < 30


@asynccontextmanager
async def client(
    kind: str, address: str, deadlines: Deadlines
) -> AsyncIterator[Callable[[], Coroutine[Any, Any, object]]]:
    """Sweep by the one client or the other: a call that no client sends again."""
    if kind == "blocking":
        with Jobs(address, deadlines=deadlines) as blocking:
            yield lambda: asyncio.to_thread(blocking.sweep)
        return
    async with aio.Jobs(address, deadlines=deadlines) as opened:
        yield opened.sweep


async def run(address: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", *words],
        env={**os.environ, "JOBS_ADDR": address, "WARMUP_SECRET": "a secret for tests"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def _refused(proxy: Proxy) -> None:
    await asyncio.to_thread(wait_until, lambda: proxy.refused, 30, "a connection is refused")


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
