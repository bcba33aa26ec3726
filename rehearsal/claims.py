"""Claims of a rehearsal: prints a line for each that holds; the first that fails ends the rehearsal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from rehearsal.waiting import wait_until


class ClaimFailed(Exception):
    """A claim failed; the message names it and the reason."""


class Claims:
    """Checks claims one after the other; they cannot be nested."""

    def __init__(self, print_line: Callable[[str], None]) -> None:
        self.held = 0
        self._print_line = print_line
        self._notes: list[str] = []

    @contextmanager
    def claim(self, text: str) -> Iterator[None]:
        """The claim holds if the context ends without an exception; any exception is raised again as ClaimFailed."""
        begun = time.monotonic()
        self._notes.clear()
        try:
            yield
        except Exception as error:
            raise ClaimFailed(f"{text}: {error or repr(error)}") from error
        self.held += 1
        notes = f": {'; '.join(self._notes)}" if self._notes else ""
        self._print_line(f"ok  {text}{notes} ({time.monotonic() - begun:.1f} s)")

    def note(self, text: str) -> None:
        """Adds an observation to the claim's line."""
        self._notes.append(text)


def require(condition: bool, message: str) -> None:
    """Raises ClaimFailed with `message` if `condition` is false."""
    if not condition:
        raise ClaimFailed(message)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float, what: str) -> None:
    """Waits for the condition. Raises ClaimFailed after `seconds`."""
    try:
        # Not wait_for: before Python 3.12 it loses a cancellation that arrives as the condition becomes true.
        async with asyncio.timeout(seconds):
            await wait_until(condition)
    except TimeoutError:
        raise ClaimFailed(f"not within {seconds:g} s: {what}") from None
