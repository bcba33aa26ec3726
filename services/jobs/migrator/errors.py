"""Why a migration ended early, in words for an operator."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]  # takes one line of progress


class MigrationError(Exception):
    """The message says what is wrong and what to do about it."""


class DatabaseUnreachableError(MigrationError):
    """No connection was made, or the one that there was is lost."""
