"""Migrations on a database in use: they block traffic for seconds at most, and name the session that blocks them."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from services.cli.__main__ import app
from services.jobs.migrator import commands
from services.jobs.migrator.errors import DatabaseUnreachableError, MigrationError
from tests.waiting import wait_until

ADD_COLUMN = 'op.execute("ALTER TABLE busy ADD COLUMN added int")'
DROP_COLUMN = 'op.execute("ALTER TABLE busy DROP COLUMN added")'
BUILD_INDEX = 'indexes.create("busy_value_idx", "busy (value) WHERE value > 0")'
DROP_INDEX = 'indexes.drop("busy_value_idx")'
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('busy_value_idx')"


class WriteMigration(Protocol):
    """Adds a revision with these lines in its upgrade and downgrade."""

    def __call__(self, up: str, down: str = "pass") -> None: ...


@pytest.fixture
def write_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteMigration:
    """Writes migrations for a test."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    shutil.copy(commands._MIGRATIONS / "env.py", versions.parent)
    monkeypatch.setattr(commands, "_MIGRATIONS", versions.parent)

    def write(up: str, down: str = "pass") -> None:
        number = len(list(versions.glob("*.py"))) + 1
        before = f'"{number - 1:04}"' if number > 1 else "None"
        (versions / f"{number:04}_made_for_a_test.py").write_text(
            "from alembic import op\n"
            "from services.jobs.migrations import indexes\n"
            f'revision = "{number:04}"\ndown_revision = {before}\nbranch_labels = depends_on = None\n'
            f"def upgrade():\n    {up}\ndef downgrade():\n    {down}\n"
        )

    return write


@pytest.fixture
def url(empty_database_url: str) -> str:
    """A database with a table that is in use."""
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE busy AS SELECT n AS value FROM generate_series(1, 1000) AS n")
    return empty_database_url


@contextmanager
def open_transaction(url: str, statement: str, application: str = "a-reader") -> Iterator[psycopg.Connection[Any]]:
    """A session that is idle in a transaction after `statement`."""
    with psycopg.connect(url, application_name=application) as connection:
        connection.execute(statement)
        yield connection
        connection.rollback()


def hurry(monkeypatch: pytest.MonkeyPatch, **patience: float) -> None:
    monkeypatch.setattr(commands, "PATIENCE", replace(commands.PATIENCE, **patience))  # type: ignore[arg-type]  # tries


def value(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_the_limits_are_those_that_are_documented() -> None:
    assert (commands.PATIENCE.lock_timeout, commands.PATIENCE.tries) == (2.0, 30)


def test_a_migration_that_waits_for_a_lock_delays_readers_at_most_for_the_lock_timeout(
    url: str, write_migration: WriteMigration
) -> None:
    write_migration(ADD_COLUMN)
    tried = threading.Semaphore(0)
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(url, "SELECT FROM busy"), psycopg.connect(url, autocommit=True) as other:
            migrating = pool.submit(commands.upgrade, url, report=lambda _line: tried.release())
            longest = 0.0
            while not tried.acquire(blocking=False):  # until a try has ended, so for its whole wait
                began = time.monotonic()
                other.execute("SELECT FROM busy")
                longest = max(longest, time.monotonic() - began)
        assert migrating.result(timeout=60) == "0001", "it goes on once the reader has ended"
    assert longest < 4, "seconds that another reader waited: 2 by the timeout, and room for a busy machine"
    assert value(url, "SELECT count(added) FROM busy") == 0


def test_a_migration_that_stays_blocked_names_the_process_that_blocks_it(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_migration(ADD_COLUMN)
    hurry(monkeypatch, tries=2, first_pause=0.01)
    monkeypatch.setenv("DATABASE_URL", url)
    with open_transaction(url, "SELECT FROM busy") as reader:
        ran = CliRunner().invoke(app, ["migrate"])
        pid = reader.info.backend_pid
    assert ran.exit_code == 1
    lines = ran.stderr.splitlines()
    assert len(lines) == 2, "a try that is repeated, and the end"
    assert all(re.search(rf"process {pid} \(a-reader, idle in transaction for \d+ s\)", line) for line in lines)
    assert "blocked 2 times" in lines[-1]
    assert f"pg_terminate_backend({pid})" in lines[-1]
    assert CliRunner().invoke(app, ["migrate"]).stdout == "schema is at 0001\n"


def test_a_blocking_prepared_transaction_is_reported_as_one() -> None:
    from services.jobs.migrator.blockers import Blocker  # noqa: PLC0415 - this test alone

    assert str(Blocker(0, "", "", 0)) == "a prepared transaction (see pg_prepared_xacts)"
    assert str(Blocker(7, "", "", 0)) == "process 7", "of another user, whose state may not be read"


def test_a_migration_gives_up_on_a_locked_table_of_revisions(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_migration(ADD_COLUMN)
    commands.upgrade(url)
    write_migration("pass")
    hurry(monkeypatch, lock_timeout=0.4, tries=2, first_pause=0.01)
    with (
        open_transaction(url, "LOCK TABLE alembic_version") as other,
        pytest.raises(MigrationError, match=f"process {other.info.backend_pid} "),
    ):
        commands.upgrade(url)


def test_each_migration_commits_by_itself(url: str, write_migration: WriteMigration) -> None:
    """The locks of one are released before the next waits for its own."""
    write_migration('op.execute("CREATE TABLE first ()")')
    write_migration('op.execute("CREATE TABLE second ()")')
    commands.upgrade(url)
    with psycopg.connect(url) as connection:
        created_by = connection.execute("SELECT xmin::text FROM pg_class WHERE relname IN ('first', 'second')")
        assert len(set(created_by.fetchall())) == 2


def test_migrations_completed_before_a_blocked_one_are_kept(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_migration('op.execute("CREATE TABLE first ()")')
    write_migration(ADD_COLUMN)
    hurry(monkeypatch, lock_timeout=0.3, tries=2, first_pause=0.01)
    with open_transaction(url, "SELECT FROM busy"), pytest.raises(MigrationError):
        commands.upgrade(url)
    assert value(url, "SELECT version_num FROM alembic_version") == "0001"
    assert commands.upgrade(url) == "0002"


def test_a_blocked_downgrade_is_retried_to_the_same_target(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-2` counts from the revision before the first try, not from the one after a blocked try."""
    write_migration("pass")
    write_migration(ADD_COLUMN, DROP_COLUMN)
    write_migration("pass")
    commands.upgrade(url)
    hurry(monkeypatch, lock_timeout=0.3, first_pause=0.01)
    tried = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(url, "SELECT FROM busy"):
            going_back = pool.submit(commands.downgrade, url, "-2", report=lambda _line: tried.set())
            assert tried.wait(30)
            assert value(url, "SELECT version_num FROM alembic_version") == "0002"
        assert going_back.result(timeout=30) == "0001"


def test_an_index_is_built_while_its_table_is_written(url: str, write_migration: WriteMigration) -> None:
    """Without CONCURRENTLY it would wait for the writer, and the next writer would wait for it."""
    write_migration(BUILD_INDEX, DROP_INDEX)
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(url, "INSERT INTO busy VALUES (1)") as writer:
            migrating = pool.submit(commands.upgrade, url)
            wait_until(lambda: value(url, VALID) is False, 20, "the build has begun, and waits for the open writer")
            with psycopg.connect(url) as another:
                another.execute("SET lock_timeout = '1s'")
                another.execute("INSERT INTO busy VALUES (2)")
            writer.commit()
        assert migrating.result(timeout=60) == "0001"
    assert value(url, VALID) is True
    assert commands.downgrade(url, "base") == "base"
    assert value(url, VALID) is None


def test_a_blocked_index_build_names_the_blocking_process_and_the_invalid_index_is_rebuilt(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_migration(BUILD_INDEX)
    hurry(monkeypatch, lock_timeout=1.0, tries=2, first_pause=0.01)
    with open_transaction(url, "INSERT INTO busy VALUES (1)") as writer:
        with pytest.raises(MigrationError, match=f"process {writer.info.backend_pid} "):
            commands.upgrade(url)
        assert value(url, VALID) is False
    assert commands.upgrade(url) == "0001"
    assert value(url, VALID) is True


def test_an_existing_index_is_not_built_again(url: str, write_migration: WriteMigration) -> None:
    """The process may end after the build and before the revision is written."""
    write_migration(BUILD_INDEX)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE INDEX busy_value_idx ON busy (value) WHERE value > 0")
    index_id = value(url, "SELECT 'busy_value_idx'::regclass::oid")
    assert commands.upgrade(url) == "0001"
    assert value(url, "SELECT 'busy_value_idx'::regclass::oid") == index_id


def test_a_unique_index_on_duplicate_rows_fails_at_once_and_is_rebuilt_once_the_duplicates_are_gone(
    url: str, write_migration: WriteMigration
) -> None:
    write_migration('indexes.create("busy_value_idx", "busy (value)", unique=True)')
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO busy VALUES (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        commands.upgrade(url)
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM busy WHERE value = 1")
    assert commands.upgrade(url) == "0001"
    assert value(url, "SELECT indisunique AND indisvalid FROM pg_index WHERE indrelid = 'busy'::regclass") is True


def test_an_offline_migration_builds_an_index_in_its_transaction(url: str, write_migration: WriteMigration) -> None:
    write_migration(BUILD_INDEX)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(commands.sql().encode())
    assert value(url, VALID) is True


def test_a_second_migration_reports_that_it_waits_and_does_not_block_the_index_build_of_the_first(
    url: str, write_migration: WriteMigration
) -> None:
    """A statement that waits for the lock is in a transaction, for which the index build would wait."""
    write_migration(BUILD_INDEX)
    lines: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        with open_transaction(url, "INSERT INTO busy VALUES (1)"):
            first = pool.submit(commands.upgrade, url)
            wait_until(lambda: value(url, VALID) is False, 20, "the first one builds")
            second = pool.submit(commands.upgrade, url, report=lines.append)
            wait_until(lambda: lines, 20, "the second one reports that it waits")
        assert (first.result(timeout=60), second.result(timeout=60)) == ("0001", "0001")
    assert re.fullmatch(r"another migration runs \(process \d+, warmcast-migrate\): waiting, 0 s so far", lines[0])


def test_a_second_migration_gives_up_when_the_first_does_not_end(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_migration(ADD_COLUMN)
    hurry(monkeypatch, other_migration=0.0)
    with (
        open_transaction(url, "SELECT pg_advisory_lock(7203119)") as other,
        pytest.raises(MigrationError, match=rf"another migration still runs .*process {other.info.backend_pid}, "),
    ):
        commands.upgrade(url)


def test_a_migration_reports_a_lost_connection(
    url: str, write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_migration('op.execute("SELECT pg_terminate_backend(pg_backend_pid())")')
    with pytest.raises(DatabaseUnreachableError, match="the connection was lost; run `warmcast migrate` again"):
        commands.upgrade(url)


def test_a_migration_reports_a_read_only_database(url: str, write_migration: WriteMigration) -> None:
    write_migration(ADD_COLUMN)
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    with pytest.raises(MigrationError, match="accepts no writes; DATABASE_URL must lead to the primary"):
        commands.upgrade(url)


def test_the_statement_timeout_of_the_database_does_not_end_a_migration(
    url: str, write_migration: WriteMigration
) -> None:
    write_migration('op.execute("SELECT pg_sleep(0.4)")')
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET statement_timeout = '200ms'").format(name))
    assert commands.upgrade(url) == "0001"


@pytest.mark.parametrize("revision", ["0042", "-9", "nonsense"])
def test_an_unknown_revision_is_reported(url: str, write_migration: WriteMigration, revision: str) -> None:
    write_migration("pass")
    commands.upgrade(url)
    with pytest.raises(MigrationError, match=revision):
        commands.downgrade(url, revision)
    assert value(url, "SELECT version_num FROM alembic_version") == "0001"
