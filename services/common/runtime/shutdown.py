"""The end of a process within a time limit, whatever the cause and whatever hangs."""

from __future__ import annotations

import asyncio
import faulthandler
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

log = structlog.get_logger()

_CLOSE_SECONDS = 5.0
_EXIT_SECONDS = 30.0  # for all that is closed, and the interpreter's own end


def exit_within(seconds: float) -> None:
    """Ends the process with status 1 after that time, from outside of Python, with where each thread hangs on stderr.

    A later call replaces the time.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


class Ending(AsyncExitStack):
    """What is closed at the end, last opened first, each within a time limit; an error in one spares the others."""

    def will_close(self, name: str, close: Callable[[], Awaitable[object]], *, seconds: float = _CLOSE_SECONDS) -> None:
        """Closes that at the end. `name` is for the log."""
        self.push_async_callback(_close, name, close, seconds)

    def bound(self) -> None:
        """From the moment that the end begins the process has 30 s. To be called last: it then comes first."""
        self.callback(exit_within, _EXIT_SECONDS)


async def _close(name: str, close: Callable[[], Awaitable[object]], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await close()
    except TimeoutError:
        log.error("not closed in time", what=name, seconds=seconds)
    except Exception:
        log.exception("closing failed", what=name)
