"""What a rehearsal claims: each with a line when it held, and the first that did not ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from rehearsal.waiting import holds


class Broken(Exception):
    """A claim that does not hold; the text says which, and why."""


class Claims:
    """Not nested: one after the other."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.held = 0
        self._say = say
        self._seen: list[str] = []

    @contextmanager
    def claim(self, text: str) -> Iterator[None]:
        """Holds when the context ends well. Raises Broken, with the claim's name, for whatever ended it otherwise."""
        begun = time.monotonic()
        self._seen.clear()
        try:
            yield
        except Exception as error:
            raise Broken(f"{text}: {error or repr(error)}") from error
        self.held += 1
        seen = f": {'; '.join(self._seen)}" if self._seen else ""
        self._say(f"ok  {text}{seen} ({time.monotonic() - begun:.1f} s)")

    def note(self, text: str) -> None:
        """Something that was seen, for the claim's line."""
        self._seen.append(text)


def require(so: bool, why: str) -> None:
    """Raises Broken with `why` unless it is so."""
    if not so:
        raise Broken(why)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float, what: str) -> None:
    """Waits for it. Raises Broken after so many seconds."""
    try:
        # Not wait_for: until Python 3.12, what ends at the moment of a cancellation hides it.
        async with asyncio.timeout(seconds):
            await holds(condition)
    except TimeoutError:
        raise Broken(f"not within {seconds:g} s: {what}") from None
