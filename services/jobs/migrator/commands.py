"""Schema migrations: up, down, or printed as SQL. Services never migrate; they wait."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from services.common.runtime.background import RefusedError
from services.jobs.migrator.errors import MigrationError, Report
from services.jobs.migrator.session import Patience, Session, exclusive_session
from services.jobs.postgres.schema_readiness import refuse_development_schema

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
PATIENCE = Patience()


def unreported(_line: str) -> None:
    """Shows no progress."""


def upgrade(database_url: str, *, wait: float = 0, report: Report = unreported) -> str:
    """Migrates the database to head, and returns its revision. Safe when run twice, or twice at once: one waits.

    A schema newer than this code knows is left unchanged: the release was rolled back, and this code runs on it.
    Waits up to `wait` seconds for the database. Raises MigrationError.
    """
    with _locked(database_url, wait, report) as session:
        connection = session.connection

        def to_head() -> str:
            if (_revision(connection) or "") <= head():  # numbers of four digits, compared as the services do
                command.upgrade(_config(connection), "head")
            return str(_revision(connection))

        return session.retry(to_head)


def downgrade(database_url: str, revision: str, *, wait: float = 0, report: Report = unreported) -> str:
    """Takes the database back to `revision` (`base`: empty), and returns its revision then. Raises MigrationError."""
    with _locked(database_url, wait, report) as session:
        connection = session.connection
        target = session.retry(lambda: _absolute(revision, _revision(connection)))
        try:
            session.retry(lambda: command.downgrade(_config(connection), target))
        except CommandError as error:
            raise MigrationError(f"cannot go back to {revision}: {error}") from None
        return session.retry(lambda: _revision(connection)) or "base"


def sql(*, downward: bool = False) -> str:
    """The migrations from an empty database to head (or back) as SQL for psql."""
    printed = io.StringIO()
    config = _config()
    config.output_buffer = printed
    if downward:
        command.downgrade(config, f"{head()}:base", sql=True)
    else:
        command.upgrade(config, "head", sql=True)
    return printed.getvalue()


def head() -> str:
    """The newest revision that this code knows."""
    return _known(ScriptDirectory.get_current_head)


def base() -> str:
    """The oldest revision that this code knows: the first one of a release."""
    return _known(ScriptDirectory.get_base)


@contextmanager
def _locked(database_url: str, wait: float, report: Report) -> Iterator[Session]:
    """The session of the only process that migrates. Raises MigrationError for the schema of a development version."""
    with exclusive_session(database_url, wait=wait, patience=PATIENCE, report=report) as session:
        try:
            refuse_development_schema(session.retry(lambda: _revision(session.connection)) or "", base())
        except RefusedError as error:
            raise MigrationError(str(error)) from None
        yield session


def _known(revision_of: Callable[[ScriptDirectory], str | None]) -> str:
    found = revision_of(ScriptDirectory.from_config(_config()))
    if found is None:
        raise RuntimeError("no migration files")
    return found


def _absolute(revision: str, current: str | None) -> str:
    """The absolute revision of a relative one such as `-2`: a retry starts from where the last try stopped."""
    if not revision.startswith("-"):
        return revision
    newest_first = [each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()] + ["base"]
    try:
        return newest_first[newest_first.index(current or "base") + int(revision[1:])]
    except (ValueError, IndexError):
        raise MigrationError(f"no revision {revision} from revision {current or 'base'}") from None


def _revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()  # a migration begins its own transaction
    return found


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config
