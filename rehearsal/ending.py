"""An orderly end at Ctrl-C, SIGTERM, or a closed terminal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Result = TypeVar("Result")


class Interrupted(Exception):
    """Somebody sent this signal, and all was cleaned up."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"{number.name}: ended in order")
        self.exit_status = 128 + number


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """As asyncio.run does. Raises Interrupted, once `main` has cleaned up, at the first such signal.

    Further ones change nothing: `make` hands on one that its whole group got already, and cleaning up is bounded.
    """
    return asyncio.run(_interruptible(main))


async def uninterrupted(cleaning: Coroutine[Any, Any, None]) -> None:
    """Awaits it to its end, also where the signal comes meanwhile: what called for it was at its end anyway."""
    task = asyncio.create_task(cleaning)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.shield(task)
    await task


async def _interruptible(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    sent: list[signal.Signals] = []
    task = asyncio.create_task(main())

    def interrupt(number: signal.Signals) -> None:
        sent.append(number)
        if len(sent) == 1:
            task.cancel()

    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            continue  # as under nohup
        asyncio.get_running_loop().add_signal_handler(number, interrupt, number)
    with contextlib.suppress(asyncio.CancelledError):
        result = await task
        if not sent:
            return result
    raise Interrupted(sent[0])  # also where what was awaited hid the cancellation
