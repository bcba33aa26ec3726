"""Readiness follows what is needed, and does not flap with it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from services.common.rpc.server import readiness
from services.common.rpc.server.readiness import Hysteresis, follow_readiness


@pytest.mark.parametrize(
    ("checks", "ready"),
    [
        # + a good check, - a bad one; what readiness is after each
        ("+", "R"),
        ("--+", "..R"),
        ("+-", "RR"),
        ("+--", "RR."),
        ("+-+-+-+-", "RRRRRRRR"),
        ("+--+", "RR.."),
        ("+--++", "RR..R"),
        ("+--+-+-+-", "RR......."),
        ("+--++-+--", "RR..RRRR."),
    ],
)
def test_a_change_takes_checks_that_agree(checks: str, ready: str) -> None:
    state = Hysteresis()
    seen = ""
    for check in checks:
        was = state.ready
        assert state.note(check == "+") == (state.ready != was)
        seen += "R" if state.ready else "."
    assert seen == ready


class _Server:
    def __init__(self) -> None:
        self.told: list[bool] = []

    async def set_ready(self, ready: bool) -> None:
        self.told.append(ready)


async def test_the_server_is_told_of_changes_alone() -> None:
    server, answers = _Server(), iter([False, True, True, False, True, False, False, False, True, True, True])
    ended = asyncio.Event()

    async def check() -> bool:
        answer = next(answers, None)
        if answer is None:
            ended.set()
            await asyncio.Event().wait()
        return bool(answer)

    await _follow(server, check, ended)
    assert server.told == [True, False, True]


async def test_a_check_that_hangs_is_a_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE", 0.01)
    server, ended = _Server(), asyncio.Event()
    asked = 0

    async def check() -> bool:
        nonlocal asked
        asked += 1
        if asked > 1:
            if asked > 4:
                ended.set()
            await asyncio.Event().wait()
        return True

    await _follow(server, check, ended)
    assert server.told == [True, False]


async def _follow(server: _Server, check: object, ended: asyncio.Event) -> None:
    following = asyncio.create_task(follow_readiness(server, check, every=0))  # type: ignore[arg-type] # any check
    async with asyncio.timeout(10):
        await ended.wait()
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
