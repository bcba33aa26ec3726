"""Background loops: restarted after any error, and dead only when they make no progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.common.runtime import background as module
from services.common.runtime.background import FAILURES, Background, RefusedError, beat, until_set
from services.common.runtime.backoff import Backoff
from tests.waiting import wait_until_async


@pytest.fixture
async def background(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Background]:
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)
    loops = Background()
    yield loops
    await loops.stop()


async def _raise() -> None:
    raise ValueError("unforeseen")


async def _await_a_cancelled_call() -> None:
    call = asyncio.get_running_loop().create_future()
    call.cancel()
    await call


async def _return() -> None:
    return


@pytest.mark.parametrize("failing", [_raise, _await_a_cancelled_call, _return])
async def test_a_loop_that_ends_for_whatever_reason_is_restarted_and_counted(
    background: Background, failing: Callable[[], Awaitable[None]]
) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await (failing() if runs < 4 else _hang())

    before = _failures("restarts")
    background.start("restarts", work)
    await wait_until_async(lambda: _true(runs == 4), 5, "it runs for the fourth time")
    assert _failures("restarts") - before == 3
    assert background.alive()


async def test_a_failure_is_logged_with_its_traceback(
    background: Background, capsys: pytest.CaptureFixture[str]
) -> None:
    background.start("logs", _raise)
    await wait_until_async(lambda: _true(_failures("logs") > 0), 5, "it failed")
    logged = capsys.readouterr().out
    assert "Traceback" in logged
    assert "unforeseen" in logged


async def test_a_loop_without_progress_makes_the_process_dead(background: Background) -> None:
    background.start("hangs", _hang, bound=0.05)
    assert background.alive()
    await wait_until_async(lambda: _true(not background.alive()), 5, "it is found hung")
    assert background.stalled() == ["hangs"]


async def test_a_loop_that_beats_or_waits_for_work_is_alive(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAKE_SECONDS", 0.01)
    passes = 0

    async def beats() -> None:
        nonlocal passes
        while True:
            await asyncio.sleep(0.01)
            passes += 1
            beat()

    background.start("beats", beats, bound=0.5)
    background.start("waits", lambda: until_set(asyncio.Event()), bound=0.5)
    await wait_until_async(lambda: _true(passes > 60), 10, "both bounds have passed")
    assert background.alive()


async def test_a_refused_configuration_ends_the_process(
    background: Background, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse() -> None:
        raise RefusedError("this can never work")

    background.start("refuses", refuse)
    with pytest.raises(SystemExit) as ended:
        async with asyncio.timeout(5):
            await background.run_until(asyncio.Event().wait())
    assert ended.value.code == 2
    assert "this can never work" in capsys.readouterr().out


async def test_a_drained_process_is_alive_whatever_its_loops_do(background: Background) -> None:
    background.start("returns", _return)
    background.drain()
    await asyncio.sleep(0)
    assert background.alive()


def test_pauses_double_up_to_the_longest_with_jitter() -> None:
    backoff = Backoff(1.0, 5.0)
    for most in (1.0, 2.0, 4.0, 5.0, 5.0):
        assert most / 2 <= backoff.next() <= most
    backoff.reset()
    assert backoff.next() <= 1.0


async def _hang() -> None:
    await asyncio.Event().wait()


async def _true(value: bool) -> bool:
    return value


def _failures(loop: str) -> float:
    return FAILURES.labels(loop)._value.get()  # type: ignore[no-any-return] # it has no public reader
