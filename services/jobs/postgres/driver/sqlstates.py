"""What an error of PostgreSQL means, by its SQLSTATE: for the connection, for the statement and for the caller."""

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
    """What to do about an error."""

    UNAVAILABLE = "unavailable"  # this server or connection is of no use: another connection may find the new primary
    STATEMENT = "statement"  # the statement failed alone, did nothing, and may be sent again
    MISCONFIGURED = "misconfigured"  # an operator has to act
    BUG = "bug"


# By the whole code, else by its class, the first two characters: PostgreSQL's appendix A.
_BY_CODE = {
    "25006": Failure.UNAVAILABLE,  # read-only: a standby, or a primary that was demoted
    "25P03": Failure.UNAVAILABLE,  # the server ended the session: idle in a transaction
    "25P04": Failure.UNAVAILABLE,  # the same: transaction_timeout
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
    """The class of an error; one that the driver made itself, without a code, means a lost connection or a bug."""
    code = error.sqlstate
    if code is None:
        lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Failure.UNAVAILABLE if lost else Failure.BUG
    return _BY_CODE.get(code) or _BY_CLASS.get(code[:2]) or Failure.BUG


def outcome_unknown(error: BaseException) -> bool:
    """Whether the statement may have been done all the same: its connection broke, or nobody waits for its answer."""
    if isinstance(error, asyncio.CancelledError):
        return True
    if not isinstance(error, psycopg.Error) or classify(error) is not Failure.UNAVAILABLE:
        return False
    # An ERROR aborts its transaction. FATAL may end a session whose commit is already done.
    certain = error.diag.severity_nonlocalized == "ERROR" and error.sqlstate not in _OUTCOME_UNKNOWN
    return not certain


@contextmanager
def translated() -> Iterator[None]:
    """Turns what callers may meet into UNAVAILABLE; the driver's text goes to the log alone. A bug passes as it is."""
    try:
        yield
    except psycopg.Error as error:
        failure = classify(error)
        if failure is Failure.BUG:
            raise
        raise _for_callers(failure, error) from None
    except TimeoutError:
        log.warning("PostgreSQL does not answer")
        raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL does not answer", retry_after=1) from None


def _for_callers(failure: Failure, error: psycopg.Error) -> WarmcastError:
    said = {"sqlstate": error.sqlstate, "error": error.diag.message_primary or str(error).strip()}
    kind = type(error).__name__
    if failure is Failure.MISCONFIGURED:
        log.error("PostgreSQL refuses a statement; check privileges, schema and settings", **said, kind=kind)
        return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is not configured for Warmcast", retry_after=30)
    if failure is Failure.STATEMENT:
        log.warning("a statement failed on each try", **said, kind=kind)
        return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is busy", retry_after=1)
    if error.sqlstate == "25006":
        log.error("PostgreSQL is read-only; does DATABASE_URL lead to the primary?", **said, kind=kind)
        return WarmcastError(errors.UNAVAILABLE, "PostgreSQL is read-only", retry_after=1)
    log.warning("PostgreSQL cannot be asked", **said, kind=kind)
    return WarmcastError(errors.UNAVAILABLE, "PostgreSQL cannot be asked", retry_after=1)
