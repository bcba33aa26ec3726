"""When log lines are written."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

from services.common.telemetry.log_writer import LogWriter


class Out(io.BytesIO):
    """Keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, lines: object) -> int:
        assert isinstance(lines, bytes)
        self.writes.append(lines)
        return len(lines)


def _ends_after(last: Callable[[], None]) -> None:
    """An event loop whose last turn that is; it has none for what the turn left to the next."""
    loop = asyncio.new_event_loop()
    loop.call_soon(loop.stop)
    loop.call_soon(last)
    loop.run_forever()
    loop.close()


def test_without_an_event_loop_each_line_is_written_at_once() -> None:
    lines = LogWriter(out := Out())
    lines.info(b"one")
    lines.info(b"two")
    assert out.writes == [b"one\n", b"two\n"]


async def test_the_lines_of_one_turn_are_written_together() -> None:
    lines = LogWriter(out := Out())
    for turn in (b"1", b"2"):
        lines.info(b"a" + turn)
        lines.debug(b"b" + turn)
        await asyncio.sleep(0)
    assert out.writes == [b"a1\nb1\n", b"a2\nb2\n"]


async def test_what_is_wrong_is_written_at_once_and_in_order() -> None:
    lines = LogWriter(out := Out())
    lines.info(b"before")
    lines.error(b"wrong")
    lines.info(b"after")
    assert out.writes == [b"before\nwrong\n"]
    await asyncio.sleep(0)
    assert out.writes == [b"before\nwrong\n", b"after\n"]


async def test_a_line_of_another_thread_takes_those_that_wait_with_it() -> None:
    lines = LogWriter(out := Out())
    lines.info(b"one")
    await asyncio.to_thread(lines.info, b"two")
    assert b"".join(out.writes) == b"one\ntwo\n"


def test_a_loop_that_ended_with_lines_waiting_holds_up_no_later_one() -> None:
    lines = LogWriter(out := Out())
    _ends_after(lambda: lines.info(b"last words"))

    async def speak() -> None:
        lines.info(b"next")
        await asyncio.sleep(0)

    asyncio.run(speak())
    assert b"".join(out.writes) == b"last words\nnext\n"


def test_what_waits_is_written_at_the_end() -> None:
    lines = LogWriter(out := Out())
    _ends_after(lambda: lines.info(b"last words"))
    lines.flush()
    assert out.writes == [b"last words\n"]
