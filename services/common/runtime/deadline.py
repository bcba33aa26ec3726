"""Until when the work that this task does is wanted: calls made on its behalf get what time is left, and no more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)  # by time.monotonic


def remaining() -> float | None:
    """Seconds that are left, never below 0; None where nobody set an end."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(ends_at - time.monotonic(), 0.0)


def bounded(seconds: float) -> float:
    """How long an outgoing call may take that would by itself take up to `seconds`."""
    left = remaining()
    return seconds if left is None else min(seconds, left)


def end_within(seconds: float) -> None:
    """Sets the end for the rest of this task; one that is nearer already stays."""
    _ends_at.set(time.monotonic() + bounded(seconds))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Sets the end for what is done inside; one that is nearer already stays."""
    token = _ends_at.set(time.monotonic() + bounded(seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def detached() -> Iterator[None]:
    """For work that outlives whoever asked for it, and tasks that are begun for it: no end but its own."""
    token = _ends_at.set(None)
    try:
        yield
    finally:
        _ends_at.reset(token)
