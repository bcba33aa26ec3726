"""Schema migrations: up, down, or printed as SQL. Services never migrate; they wait for the revision."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_203_119  # any number, as long as it is always this one


def upgrade(database_url: str) -> str:
    """Brings the database up to head, and returns its revision. Safe when run twice, or twice at once: one waits.

    A schema that is past what this code knows stays as it is: its release was rolled back, and this code runs on it.
    """
    with _locked(database_url) as connection:
        if (_revision(connection) or "") <= head():  # numbers of four digits, compared as the services do
            command.upgrade(_config(connection), "head")
        return str(_revision(connection))


def downgrade(database_url: str, revision: str) -> None:
    """Takes the database back to `revision`; `base` is empty."""
    with _locked(database_url) as connection:
        command.downgrade(_config(connection), revision)


def sql(*, downward: bool = False) -> str:
    """The migration from nothing to head (or back) as plain SQL that psql can apply."""
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
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise RuntimeError("there are no migrations")
    return newest


@contextmanager
def _locked(database_url: str) -> Iterator[Connection]:
    """A connection whose holder is the only one that migrates; each migration commits by itself."""
    # Read by the driver itself, as the service reads it.
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        # For the session, so that it outlives the migration's own transactions; ends with the connection.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        yield connection
    engine.dispose()


def _revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()  # only looked; a migration begins its own transaction
    return found


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config
