"""The process pool, with real processes."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from pebble import ProcessPool

from services.common import errors
from services.common.errors import WarmcastError
from services.forecaster.workers import worker
from services.forecaster.workers.pool import REPLACED, Pool
from tests.integration.forecaster import work
from tests.integration.forecaster.processes import gone, is_gone, pid_in, read_pid
from tests.waiting import wait_until


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool(slots=2, queue_limit=1, deadline=30, initializer=work.start_light)
    made.start()
    yield made
    await made.stop()


async def test_runs_functions_in_as_many_processes_as_slots(pool: Pool, tmp_path: Path) -> None:
    await pool.wait_until_warm()
    pids = set(await asyncio.gather(*(pool.run(work.spin, 0.2, str(tmp_path / f"{run}")) for run in range(4))))
    assert len(pids) == 2
    assert os.getpid() not in pids


async def test_an_exception_of_the_function_is_raised_and_its_worker_is_kept(pool: Pool) -> None:
    before = {await pool.run(work.pid) for _ in range(2)}
    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            await pool.run(work.crash)
    assert {await pool.run(work.pid) for _ in range(2)} == before


async def test_sigkill_during_a_run_fails_only_that_run(pool: Pool, tmp_path: Path) -> None:
    victim = asyncio.create_task(pool.run(work.spin, 30, str(tmp_path / "victim")))
    other = asyncio.create_task(pool.run(work.spin, 1.0, str(tmp_path / "other")))
    os.kill(await pid_in(tmp_path / "victim"), signal.SIGKILL)
    with pytest.raises(WarmcastError, match="the worker process ended") as caught:
        await victim
    assert caught.value.reason is errors.UNAVAILABLE
    assert await other > 0
    assert [await pool.run(work.double, n) for n in range(4)] == [0, 2, 4, 6]


async def test_sigkill_of_every_idle_worker_fails_no_run(pool: Pool) -> None:
    before = {await pool.run(work.pid) for _ in range(2)}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    after = {await pool.run(work.pid) for _ in range(2)}
    assert not before & after


async def test_a_task_past_its_deadline_is_killed_and_the_next_one_succeeds(tmp_path: Path) -> None:
    pool = Pool(slots=1, queue_limit=0, deadline=0.5, initializer=work.start_light)
    pool.start()
    try:
        began = time.monotonic()
        with pytest.raises(WarmcastError) as caught:
            await pool.run(work.spin, 30, str(tmp_path / "spinning"))
        assert caught.value.reason is errors.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 15
        pid = await pid_in(tmp_path / "spinning")
        assert await pool.run(work.double, 21) == 42
        await gone(pid)
    finally:
        await pool.stop()


async def test_cancelling_a_run_frees_its_worker(pool: Pool, tmp_path: Path) -> None:
    left = [asyncio.create_task(pool.run(work.spin, 60, str(tmp_path / name))) for name in ("a", "b")]
    pids = [await pid_in(tmp_path / name) for name in ("a", "b")]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    async with asyncio.timeout(20):
        assert await pool.run(work.double, 1) == 2
    for pid in pids:
        await gone(pid)


async def test_the_queue_is_bounded_and_returns_a_retry_delay(pool: Pool) -> None:
    release = asyncio.Event()

    async def run() -> None:
        async with pool.admit():
            await release.wait()

    assert pool.busy_slots == 0
    three = [asyncio.create_task(run()) for _ in range(3)]  # two compute, one waits
    await asyncio.sleep(0)
    assert pool.busy_slots == 2
    with pytest.raises(WarmcastError) as caught:
        async with pool.admit():
            pass
    assert caught.value.reason is errors.BUSY
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 1
    release.set()
    await asyncio.gather(*three)
    async with pool.admit():
        assert pool.busy_slots == 1


async def test_a_run_cancelled_while_waiting_frees_its_place() -> None:
    pool = Pool(slots=1, queue_limit=1, deadline=1)
    async with pool.admit():
        waiting = asyncio.create_task(pool.admit().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        again = asyncio.create_task(pool.admit().__aenter__())
        await asyncio.sleep(0)
        assert not again.done()
    await again


async def test_workers_that_cannot_start_are_unavailable_and_never_warm() -> None:
    pool = Pool(slots=1, queue_limit=0, deadline=5, initializer=work.fail_to_start)
    pool.start()
    try:
        with pytest.raises(WarmcastError, match="no worker process can be started"):
            await pool.run(work.pid)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await pool.wait_until_warm()
    finally:
        await pool.stop()


async def test_a_slot_is_kept_when_its_worker_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pool = Pool(slots=1, queue_limit=0, deadline=30, initializer=work.start_light)
    pool.start()
    refusals = 0

    def refuse(**_: object) -> ProcessPool:
        nonlocal refusals
        refusals += 1
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    try:
        left = asyncio.create_task(pool.run(work.spin, 60, str(tmp_path / "left")))
        await pid_in(tmp_path / "left")
        with monkeypatch.context() as patched:
            patched.setattr("services.forecaster.workers.pool.ProcessPool", refuse)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            with pytest.raises(WarmcastError, match="no worker process can be started") as caught:
                await pool.run(work.double, 21)
            assert caught.value.reason is errors.UNAVAILABLE
        assert refusals == 3  # once for the run that left, and once for each of the slots and one more
        async with asyncio.timeout(20):
            assert await pool.run(work.double, 21) == 42
    finally:
        await pool.stop()


@pytest.mark.parametrize("frozen", [False, True])
async def test_stop_ends_every_worker_even_while_computing(tmp_path: Path, frozen: bool) -> None:
    pool = Pool(slots=2, queue_limit=0, deadline=60, initializer=work.start_light)
    pool.start()
    busy = asyncio.create_task(pool.run(work.spin, 60, str(tmp_path / "busy")))
    pids = [await pid_in(tmp_path / "busy"), await pool.run(work.pid)]
    if frozen:
        os.kill(pids[0], signal.SIGSTOP)
    await pool.stop()
    for pid in pids:
        await gone(pid)
    await asyncio.gather(busy, return_exceptions=True)


async def test_sigterm_ends_a_worker_that_computes_outside_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pebble.CONSTS.term_timeout", 60)  # no SIGKILL within the test
    pool = Pool(slots=1, queue_limit=0, deadline=60, initializer=worker.start)
    pool.start()
    busy = asyncio.create_task(pool.run(work.compute_in_c, str(tmp_path / "busy")))
    pid = await pid_in(tmp_path / "busy")
    async with asyncio.timeout(30):
        await pool.stop()
    await gone(pid)
    await asyncio.gather(busy, return_exceptions=True)


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from services.forecaster.workers.pool import REPLACED, Pool\n"
        "from tests.integration.forecaster import work\n"
        "async def main():\n"
        "    pool = Pool(slots=2, queue_limit=0, deadline=60, initializer=work.start_light)\n"
        "    pool.start()\n"
        "    await asyncio.gather(*(pool.run(work.spin, 60, sys.argv[1] + name) for name in 'ab'))\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    program = tmp_path / "parent.py"
    program.write_text(script)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, str(program), str(tmp_path / "worker-")], env=environment) as parent:
        try:
            marks = [tmp_path / f"worker-{name}" for name in "ab"]
            pids = [wait_until(partial(read_pid, mark), 30, "both workers are busy") for mark in marks]
            assert not any(is_gone(pid) for pid in pids)
        finally:
            parent.kill()
    for pid in pids:
        wait_until(partial(is_gone, pid), 5, "the worker is gone")


async def test_workers_have_low_priority() -> None:
    pool = Pool(slots=1, queue_limit=0, deadline=60, initializer=worker.start)
    pool.start()
    try:
        await pool.wait_until_warm()
        assert await pool.run(work.priority) == (os.SCHED_IDLE, os.nice(0) + 10)
    finally:
        await pool.stop()


@pytest.mark.parametrize("deadline", [None, 30])
async def test_a_run_starved_in_the_background_is_restarted_with_normal_priority(
    tmp_path: Path, deadline: float | None
) -> None:
    pool = Pool(slots=1, queue_limit=0, deadline=60, background_seconds=0.5, initializer=work.start_light)
    pool.start()
    starved = REPLACED.labels("starved")._value.get()
    try:
        mark = tmp_path / "starved"
        ran_in = await pool.run(work.starve, str(mark), deadline=deadline)
        assert ran_in != read_pid(mark)
        await gone(read_pid(mark))
        assert await pool.run(work.pid) == ran_in  # it stays
        assert await pool.run(work.priority) == (os.SCHED_OTHER, os.nice(0) + 10)
        assert REPLACED.labels("starved")._value.get() == starved + 1
    finally:
        await pool.stop()
