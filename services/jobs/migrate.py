"""Schema migrations: up, down, or printed as SQL. Services never migrate; they wait for the revision."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_203_119  # any number, as long as it is always this one


def upgrade(database_url: str, revision: str = "head") -> None:
    """Brings the database up to `revision`. Safe when run twice, or twice at once: one waits for the other."""
    _run(database_url, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str) -> None:
    """Takes the database back to `revision`; `base` is empty."""
    _run(database_url, lambda config: command.downgrade(config, revision))


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


def _run(database_url: str, act: Callable[[Config], None]) -> None:
    # Read by the driver itself, as the service reads it.
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        # For the session, so that it outlives the migration's own transactions; ends with the connection.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        config = _config()
        config.attributes["connection"] = connection
        act(config)
        connection.commit()
    engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
