"""A signal that requests a stop is never lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import pytest

from rehearsal import interrupts
from rehearsal.claims import until


def test_a_signal_stops_the_program_after_cleaning_up() -> None:
    cleaned = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    with pytest.raises(interrupts.Interrupted, match="SIGTERM: stopped after cleaning up"):
        interrupts.run(main)
    assert cleaned


def test_a_signal_counts_even_if_the_program_suppresses_the_cancellation() -> None:
    async def main() -> int:
        with contextlib.suppress(asyncio.CancelledError):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        return 7

    with pytest.raises(interrupts.Interrupted):
        interrupts.run(main)


def test_without_a_signal_the_result_is_returned() -> None:
    async def main() -> int:
        return 7

    assert interrupts.run(main) == 7


async def test_a_cancellation_as_the_condition_becomes_true_is_not_lost() -> None:
    def true_when_cancelled() -> bool:
        return waiting.cancel()

    waiting = asyncio.create_task(until(true_when_cancelled, 60, "the condition is true"))
    with pytest.raises(asyncio.CancelledError):
        await waiting
