"""The session of a migration; each statement has a bound on how long it blocks other traffic."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from services.common.runtime.background import RefusedError
from services.jobs.migrator.blockers import Blockers, blockers_of
from services.jobs.migrator.errors import DatabaseUnreachableError, MigrationError, Report
from services.jobs.migrator.reach import cause_of, connect
from services.jobs.postgres.driver.pooler import refuse_shared_backends_blocking

Result = TypeVar("Result")
_LOCK = 7_203_119  # any number, as long as it is always this one
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:lock)")
_LOCK_HOLDER = text("""
SELECT held.pid, activity.application_name FROM pg_locks AS held LEFT JOIN pg_stat_activity AS activity USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND (held.classid, held.objid, held.objsubid) = (0, :lock, 1)
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")
# A role's or database's statement_timeout is meant for calls, and would end the build of a large index each time.
_TIMEOUTS = text("SELECT set_config('lock_timeout', :lock_timeout, false), set_config('statement_timeout', '0', false)")
_TRY_LOCK_AGAIN = 0.5  # seconds
_REPORT_EVERY = 10.0  # seconds
_RETRIED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


@dataclass(frozen=True)
class Patience:
    """How long a migration waits for locks, in seconds unless noted."""

    lock_timeout: float = 2.0  # for each statement; other statements on its table wait as long
    tries: int = 30  # count
    first_pause: float = 0.25  # doubles with each try, with jitter
    longest_pause: float = 4.0
    other_migration: float = 600.0


@dataclass(frozen=True)
class Session:
    """A connection that holds the migrations' lock."""

    connection: Connection
    database_url: str
    patience: Patience
    report: Report

    def retry(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, which is retried after a rollback if it did not get a lock.

        Raises MigrationError with the process that holds the lock.
        """
        pid = self.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        self.connection.rollback()
        with blockers_of(pid, self.database_url) as blockers:
            for number in range(1, self.patience.tries + 1):
                blockers.forget()
                try:
                    return work()
                except DBAPIError as error:
                    if not isinstance(error.orig, _RETRIED):
                        raise
                    self.connection.rollback()
                if number < self.patience.tries:
                    self._pause(number, blockers)
            raise MigrationError(self._blocked_message(blockers))

    def _pause(self, number: int, blockers: Blockers) -> None:
        patience = self.patience
        pause = min(patience.first_pause * 2 ** (number - 1), patience.longest_pause)
        pause *= random.uniform(0.5, 1)  # noqa: S311 - no secret
        self.report(
            f"no lock within {patience.lock_timeout:g} s, try {number} of {patience.tries}: "
            f"held by {_named(blockers)}; next try in {pause:.1f} s"
        )
        time.sleep(pause)

    def _blocked_message(self, blockers: Blockers) -> str:
        pids = [blocker.pid for blocker in blockers.seen if blocker.pid]
        remedy = f"end it (SELECT pg_terminate_backend({pids[0]})) or let it finish" if pids else "let it finish"
        return (
            f"the migration was blocked {self.patience.tries} times by {_named(blockers)}; {remedy}, "
            "then run `warmcast migrate` again: what was completed is kept"
        )


@contextmanager
def exclusive_session(database_url: str, *, wait: float, patience: Patience, report: Report) -> Iterator[Session]:
    """The session of the one process that migrates; each migration commits by itself.

    Waits up to `wait` seconds for the database, and for another migration as long as `patience` says.
    Raises MigrationError.
    """
    # Closed before the check for a pooler: one with a single session has no second.
    connect(database_url, wait=wait, report=report).close()
    _refuse_pooler(database_url)
    raw = connect(database_url, wait=wait, report=report)  # by the driver, as the service reads its URL
    engine = create_engine("postgresql+psycopg://", creator=lambda: raw, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            _lock(connection, patience, report)
            connection.execute(_TIMEOUTS, {"lock_timeout": f"{patience.lock_timeout * 1000:.0f}ms"})
            connection.commit()
            yield Session(connection, database_url, patience, report)
    except DBAPIError as error:
        if operator_error := _operator_error(error):
            raise operator_error from error
        raise
    finally:
        raw.close()
        engine.dispose()


def _refuse_pooler(database_url: str) -> None:
    # Before the lock, which a pooler would leave in a shared session.
    try:
        refuse_shared_backends_blocking(database_url)
    except RefusedError as error:
        raise MigrationError(str(error)) from None
    except psycopg.Error as error:
        raise DatabaseUnreachableError(f"the database does not respond: {cause_of(error)}") from None


def _lock(connection: Connection, patience: Patience, report: Report) -> None:
    """Takes the lock for the session, so that it outlives each migration's transaction; it ends with the connection."""
    began = time.monotonic()
    next_report = began
    # Polled: a statement that waits for the lock is a transaction, for which the other's concurrent build would wait.
    while not _try_lock(connection):
        now = time.monotonic()
        if now >= next_report:
            report(f"another migration runs ({_lock_holder(connection)}): waiting, {now - began:.0f} s so far")
            next_report += _REPORT_EVERY
        if now - began > patience.other_migration:
            raise MigrationError(
                f"another migration still runs after {patience.other_migration:.0f} s ({_lock_holder(connection)}); "
                "let it finish or end it, then run `warmcast migrate` again"
            )
        time.sleep(_TRY_LOCK_AGAIN)


def _try_lock(connection: Connection) -> bool:
    taken = bool(connection.execute(_TRY_LOCK, {"lock": _LOCK}).scalar_one())
    connection.commit()
    return taken


def _lock_holder(connection: Connection) -> str:
    holder = connection.execute(_LOCK_HOLDER, {"lock": _LOCK}).first()
    connection.commit()
    return f"process {holder.pid}, {holder.application_name or 'without a name'}" if holder else "it has just ended"


def _named(blockers: Blockers) -> str:
    return " and ".join(map(str, blockers.seen)) or "a process that could not be seen"


def _operator_error(error: DBAPIError) -> MigrationError | None:
    """An error that an operator can solve; None for a bug."""
    cause = cause_of(error.orig) if error.orig else ""
    if isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction):
        return MigrationError(f"the database accepts no writes; DATABASE_URL must lead to the primary: {cause}")
    if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
        return MigrationError(f"the user of DATABASE_URL may not change the schema: {cause}")
    if error.connection_invalidated or (isinstance(error.orig, psycopg.OperationalError) and not error.orig.sqlstate):
        return DatabaseUnreachableError(
            f"the connection was lost; run `warmcast migrate` again, what was completed is kept: {cause}"
        )
    if isinstance(error.orig, psycopg.OperationalError):
        return MigrationError(f"the migration failed, and what it had not completed was rolled back: {cause}")
    return None
