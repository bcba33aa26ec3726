"""Shutdown of a process within a time limit, also when something hangs."""

from __future__ import annotations

import asyncio
import faulthandler
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

log = structlog.get_logger()

_CLOSE_SECONDS = 5.0
_EXIT_SECONDS = 30.0  # for all closing, and the interpreter's exit


def exit_within(seconds: float) -> None:
    """Ends the process with status 1 after `seconds`, from a native thread, with every thread's stack on stderr.

    A later call replaces the time.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


class Ending(AsyncExitStack):
    """Closes resources at the end, last opened first, each within a time limit; an error does not stop the others."""

    def will_close(self, name: str, close: Callable[[], Awaitable[object]], *, seconds: float = _CLOSE_SECONDS) -> None:
        """Registers `close` for the end. `name` is for the log."""
        self.push_async_callback(_close, name, close, seconds)

    def bound(self) -> None:
        """Limits the whole shutdown to 30 s. Call it last, so that it runs first."""
        self.callback(exit_within, _EXIT_SECONDS)


async def _close(name: str, close: Callable[[], Awaitable[object]], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await close()
    except TimeoutError:
        log.error("not closed in time", what=name, seconds=seconds)
    except Exception:
        log.exception("closing failed", what=name)
