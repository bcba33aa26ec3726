"""A request to end is never lost, whatever is under way when it comes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import pytest

from rehearsal import ending
from rehearsal.claims import until


def test_a_signal_ends_it_in_order() -> None:
    cleaned = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    with pytest.raises(ending.Interrupted, match="SIGTERM: ended in order"):
        ending.run(main)
    assert cleaned


def test_a_signal_counts_also_where_what_is_awaited_hides_it() -> None:
    async def main() -> int:
        with contextlib.suppress(asyncio.CancelledError):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        return 7

    with pytest.raises(ending.Interrupted):
        ending.run(main)


def test_without_a_signal_its_result_is_returned() -> None:
    async def main() -> int:
        return 7

    assert ending.run(main) == 7


async def test_a_cancellation_at_the_moment_that_what_is_waited_for_holds_is_not_hidden() -> None:
    def holds_as_it_is_cancelled() -> bool:
        return waiting.cancel()

    waiting = asyncio.create_task(until(holds_as_it_is_cancelled, 60, "it holds"))
    with pytest.raises(asyncio.CancelledError):
        await waiting
