"""An orderly stop after Ctrl-C, SIGTERM or SIGHUP."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Result = TypeVar("Result")


class Interrupted(Exception):
    """The program received this signal and has cleaned up."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"{number.name}: stopped after cleaning up")
        self.exit_status = 128 + number


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Same as asyncio.run, but the first signal cancels `main` and raises Interrupted once it has cleaned up.

    Further signals are ignored: `make` forwards one that the whole group received, and the cleanup takes bounded time.
    """
    return asyncio.run(_interruptible(main))


async def uninterrupted(cleanup: Coroutine[Any, Any, None]) -> None:
    """Awaits the cleanup to its end, even if a cancellation arrives meanwhile."""
    task = asyncio.create_task(cleanup)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.shield(task)
    await task


async def _interruptible(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    received: list[signal.Signals] = []
    task = asyncio.create_task(main())

    def interrupt(number: signal.Signals) -> None:
        received.append(number)
        if len(received) == 1:
            task.cancel()

    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            continue  # ignored by the parent, for example nohup
        asyncio.get_running_loop().add_signal_handler(number, interrupt, number)
    with contextlib.suppress(asyncio.CancelledError):
        result = await task
        if not received:
            return result
    raise Interrupted(received[0])  # also if `main` suppressed the cancellation
