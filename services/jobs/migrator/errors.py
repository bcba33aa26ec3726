"""Errors of migrations, for operators."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]  # takes one line of progress


class MigrationError(Exception):
    """A migration failed; the message says why and what to do."""


class DatabaseUnreachableError(MigrationError):
    """The connection failed or was lost."""
