"""A process ends within a time limit, whatever hangs, and closes what can be closed."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from services.common.runtime import shutdown as module
from services.common.runtime.shutdown import Ending

_HUNG = """
import time
from services.common.runtime.shutdown import exit_within
exit_within(0.2)
time.sleep(600)
"""
_HUNG_AT_EXIT = """
import asyncio, threading, time
from services.common.runtime import shutdown
shutdown._EXIT_SECONDS = 0.5

async def serve():
    async with shutdown.Ending() as closing:
        closing.bound()
        threading.Thread(target=time.sleep, args=(600,)).start()  # the interpreter waits for it
        raise ValueError("the cause")

asyncio.run(serve())
"""


async def test_what_hangs_or_fails_keeps_nothing_else_from_being_closed(capsys: pytest.CaptureFixture[str]) -> None:
    closed: list[str] = []

    async def close(name: str) -> None:
        closed.append(name)

    async def fail() -> None:
        raise RuntimeError("while closing")

    async def serve() -> None:
        async with Ending() as ending:
            ending.will_close("first", lambda: close("first"))
            ending.will_close("hangs", asyncio.Event().wait, seconds=0.01)
            ending.will_close("fails", fail)
            ending.will_close("last", lambda: close("last"))
            raise ValueError("the cause")

    with pytest.raises(ValueError, match="the cause"):
        await serve()
    assert closed == ["last", "first"]
    logged = capsys.readouterr().out
    assert "not closed in time" in logged
    assert "while closing" in logged


async def test_the_end_is_bounded_before_anything_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(module, "exit_within", lambda _seconds: order.append("bounded"))

    async def close() -> None:
        order.append("closed")

    async with Ending() as ending:
        ending.will_close("something", close)
        ending.bound()
    assert order == ["bounded", "closed"]


@pytest.mark.parametrize("program", [_HUNG, _HUNG_AT_EXIT], ids=["while it runs", "after an error"])
def test_a_process_that_hangs_is_ended_with_a_status_and_says_where(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "most recent call first" in done.stderr
