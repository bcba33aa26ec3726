"""Connects to a database that may still be starting."""

from __future__ import annotations

import re
import time
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from services.jobs.migrator.errors import DatabaseUnreachableError, MigrationError, Report
from services.jobs.postgres.driver.connection import KEEPALIVES

_OPTIONS: dict[str, Any] = {"connect_timeout": 5, "application_name": "warmcast-migrate", **KEEPALIVES}
_RETRY_AFTER = 1.0  # seconds
_REPORT_EVERY = 10.0  # seconds
# Permanent failures. A failed connection carries no SQLSTATE (psycopg 3.3, libpq 18), so these are texts of
# PostgreSQL, libpq and PgBouncer. Texts in another language are retried until the wait is over.
_REFUSED = re.compile(
    r"authentication failed|(?:database|role) \S+ does not exist|not permitted to log in|pg_hba\.conf"
    r"|permission denied for database|no password supplied|no such (?:database|user)"
    r"|does not support SSL|certificate verify failed|root certificate file"
)


def connect(database_url: str, *, wait: float, report: Report) -> psycopg.Connection[Any]:
    """Connects, and retries for up to `wait` seconds while the server does not answer, starts or is full.

    Raises DatabaseUnreachableError after that, and MigrationError at once where the server refuses this user, password
    or database.
    """
    conninfo = make_conninfo(database_url, **_OPTIONS)
    began = time.monotonic()
    next_report = began + _REPORT_EVERY
    while True:
        try:
            return psycopg.connect(conninfo)
        except psycopg.OperationalError as error:
            if _REFUSED.search(str(error)):
                raise MigrationError(f"the database refuses the connection: {cause_of(error)}") from None
            cause = cause_of(error)
        now = time.monotonic()
        left = began + wait - now
        if left <= 0:
            waited = f" within {wait:.0f} s" if wait else ""
            raise DatabaseUnreachableError(f"the database at DATABASE_URL cannot be reached{waited}: {cause}")
        if now >= next_report:
            report(f"waiting for the database, {now - began:.0f} of {wait:.0f} s: {cause}")
            next_report += _REPORT_EVERY
        time.sleep(min(_RETRY_AFTER, left))


def cause_of(error: BaseException) -> str:
    """The first line of the driver's error, which has host and port and no password."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("connection failed: ")
