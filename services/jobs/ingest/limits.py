"""What the reader refuses for its size, and how it says so."""

from __future__ import annotations

from services.common.errors import UNREADABLE_INPUT, WarmcastError

MAX_BYTES = 2 * 1024 * 1024  # one file
MAX_POINTS = 5_000  # periods in one series, those that were filled in included; of more, the newest are taken
MIN_POINTS = 3
MAX_COLUMNS = 30  # terms in one file
MAX_WIDTH = 1_000  # columns in one file, those that nobody picked included
MAX_LINES = 30_000  # lines of a file or points of a series that are read: three years of hours


def unreadable(detail: str) -> WarmcastError:
    """The error for data that cannot be read; the detail names the place and what is wrong with it."""
    return WarmcastError(UNREADABLE_INPUT, detail, fields=(("points", detail),))


def check_minimum(source: str, points: int) -> None:
    """Raises WarmcastError when a series is too short to say anything."""
    if points < MIN_POINTS:
        raise unreadable(f"{source} holds {points} points; a comparison needs {MIN_POINTS} or more")


def shown(text: str, limit: int = 60) -> str:
    """A piece of somebody's input, quoted and cut for a message."""
    printable = "".join(c if c.isprintable() else "�" for c in text[: limit + 1])
    return f"“{printable[:limit]}…”" if len(printable) > limit else f"“{printable}”"
