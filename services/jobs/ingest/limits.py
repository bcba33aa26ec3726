"""Size limits of imports, and how errors quote input."""

from __future__ import annotations

from services.common.errors import UNREADABLE_INPUT, WarmcastError

MAX_BYTES = 2 * 1024 * 1024  # one file
MAX_POINTS = 5_000  # periods in one series, filled ones included; of more, the newest are kept
MIN_POINTS = 3
MAX_COLUMNS = 30  # terms in one file
MAX_WIDTH = 1_000  # columns in one file, picked or not
MAX_LINES = 30_000  # lines in one file, or points in one series: three years of hours


def unreadable(detail: str) -> WarmcastError:
    """The error for data that cannot be read; `detail` names the line or point and what is wrong with it."""
    return WarmcastError(UNREADABLE_INPUT, detail, fields=(("points", detail),))


def check_minimum(source: str, points: int) -> None:
    """Raises WarmcastError if a series has fewer than MIN_POINTS points."""
    if points < MIN_POINTS:
        held = "1 point" if points == 1 else f"{points} points"
        raise unreadable(f"{source} holds {held}; a comparison needs {MIN_POINTS} or more")


def quoted(text: str, limit: int = 60) -> str:
    """A piece of input for a message: quoted, cut to `limit` characters, without control characters."""
    printable = "".join(c if c.isprintable() else "�" for c in text[: limit + 1])
    return f"“{printable[:limit]}…”" if len(printable) > limit else f"“{printable}”"
