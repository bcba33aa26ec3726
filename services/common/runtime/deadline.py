"""The deadline of the current task, which the calls that it makes inherit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)  # by time.monotonic


def remaining() -> float | None:
    """Seconds that are left, never below 0; None without a deadline."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(ends_at - time.monotonic(), 0.0)


def bounded(seconds: float) -> float:
    """The timeout of an outgoing call: `seconds`, or the time left to the deadline where that is less."""
    left = remaining()
    return seconds if left is None else min(seconds, left)


def end_within(seconds: float) -> None:
    """Sets the deadline for the rest of this task; a nearer one stays."""
    _ends_at.set(time.monotonic() + bounded(seconds))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Sets the deadline inside the context; a nearer one stays."""
    token = _ends_at.set(time.monotonic() + bounded(seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def detached() -> Iterator[None]:
    """Removes the deadline inside the context, for work that outlives its caller."""
    token = _ends_at.set(None)
    try:
        yield
    finally:
        _ends_at.reset(token)
