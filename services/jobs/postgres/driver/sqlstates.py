"""Classifies PostgreSQL's errors by SQLSTATE, and translates them for callers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import psycopg
import structlog

from services.common import errors
from services.common.errors import WarmcastError

log = structlog.get_logger()


class Failure(Enum):
    """The kind of an error."""

    UNAVAILABLE = "unavailable"  # this server or connection is unusable; another one may lead to the new primary
    STATEMENT = "statement"  # the statement failed without effect and may be retried
    MISCONFIGURED = "misconfigured"  # an operator has to act
    BUG = "bug"


# By code, otherwise by its class, the first two characters (PostgreSQL, appendix A).
_BY_CODE = {
    "25006": Failure.UNAVAILABLE,  # read-only: a standby, or a primary that was demoted
    "25P03": Failure.UNAVAILABLE,  # idle_in_transaction_session_timeout ended the session
    "25P04": Failure.UNAVAILABLE,  # transaction_timeout ended the session
    "26000": Failure.MISCONFIGURED,  # a prepared statement is gone: a pooler swapped the session
    "40001": Failure.STATEMENT,
    "40003": Failure.UNAVAILABLE,  # whether the statement completed is unknown
    "40P01": Failure.STATEMENT,
    "55P02": Failure.MISCONFIGURED,  # a setting cannot be changed in a session
    "55P03": Failure.STATEMENT,
    "57014": Failure.STATEMENT,
}
_BY_CLASS = {
    **dict.fromkeys(("08", "53", "57", "58", "XX"), Failure.UNAVAILABLE),
    # Privileges, authentication, missing databases, schemas, tables and features, a faulty configuration file.
    **dict.fromkeys(("0A", "0L", "0P", "28", "3D", "3F", "42", "F0"), Failure.MISCONFIGURED),
}

_OUTCOME_UNKNOWN = ("40003", "08007")


def classify(error: psycopg.Error) -> Failure:
    """The kind of an error. An error of the driver has no code: a lost connection or a bug."""
    code = error.sqlstate
    if code is None:
        disconnected = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Failure.UNAVAILABLE if disconnected else Failure.BUG
    return _BY_CODE.get(code) or _BY_CLASS.get(code[:2]) or Failure.BUG


def outcome_unknown(error: BaseException) -> bool:
    """Whether the statement may have run: its connection was lost, or it was cancelled."""
    if isinstance(error, asyncio.CancelledError):
        return True
    if not isinstance(error, psycopg.Error) or classify(error) is not Failure.UNAVAILABLE:
        return False
    # ERROR aborts the transaction. FATAL may end a session after its commit.
    certain = error.diag.severity_nonlocalized == "ERROR" and error.sqlstate not in _OUTCOME_UNKNOWN
    return not certain


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turns operational errors into UNAVAILABLE and logs the driver's text. Bugs are raised as they are."""
    try:
        yield
    except psycopg.Error as error:
        failure = classify(error)
        if failure is Failure.BUG:
            raise
        raise _to_warmcast_error(failure, error) from None
    except TimeoutError:
        log.warning("PostgreSQL does not respond")
        raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL does not respond", retry_after=1) from None


def _to_warmcast_error(failure: Failure, error: psycopg.Error) -> WarmcastError:
    details = {"sqlstate": error.sqlstate, "error": error.diag.message_primary or str(error).strip()}
    kind = type(error).__name__
    if failure is Failure.MISCONFIGURED:
        log.error("statement refused by PostgreSQL; check privileges, schema and settings", **details, kind=kind)
        return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is not configured for Warmcast", retry_after=30)
    if failure is Failure.STATEMENT:
        log.warning("statement failed on every attempt", **details, kind=kind)
        return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is busy", retry_after=1)
    if error.sqlstate == "25006":
        log.error("PostgreSQL is read-only; point DATABASE_URL to the primary", **details, kind=kind)
        return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is read-only", retry_after=1)
    log.warning("PostgreSQL is unavailable", **details, kind=kind)
    return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable", retry_after=1)
