"""The schema: upgrade, downgrade, offline SQL, and equality with the tables in code."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, make_url

from services.common.runtime.background import RefusedError
from services.jobs.migrator import commands
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.schema_readiness import SchemaReadiness
from services.jobs.postgres.sql.schema import metadata

DEVELOPMENT_VERSION = "This database was made by a development version. Export it, or delete the data folder."
_INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'warmup_jobs'"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def names(url: str, query: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def differences(url: str) -> list[object]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    return found


def test_upgrade_creates_the_declared_tables_and_downgrade_removes_everything(empty_database_url: str) -> None:
    commands.upgrade(empty_database_url)
    assert differences(empty_database_url) == []
    commands.downgrade(empty_database_url, "base")
    assert names(empty_database_url, _TABLES) == ["alembic_version"]
    commands.upgrade(empty_database_url)
    assert differences(empty_database_url) == []


def test_the_constraint_and_indexes_of_the_contract_exist(database_url: str) -> None:
    found = names(database_url, _INDEXES)
    for index in ("warmup_job_unique", "warmup_jobs_claim_idx", "warmup_jobs_of_status_idx"):
        assert index in found
    definition = names(
        database_url, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'warmup_job_unique'"
    )
    assert definition == ["UNIQUE (slug, timeframe, geo, data_hash)"]


def test_every_foreign_key_is_found_by_an_index(database_url: str) -> None:
    """Without an index, each deletion of a referenced row scans the referencing table."""
    query = """
        SELECT conname FROM pg_constraint
        WHERE contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index
            WHERE indrelid = conrelid AND indpred IS NULL
              AND (string_to_array(indkey::text, ' ')::int2[])[:cardinality(conkey)] @> conkey
        )
    """
    assert names(database_url, query) == []


def test_the_database_checks_the_status(database_url: str) -> None:
    constraint = names(
        database_url, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'warmup_jobs_status_check'"
    )
    for status in ("queued", "running", "ready", "failed", "cancelled"):
        assert status in constraint[0]


def test_an_offline_migration_creates_the_same_schema(empty_database_url: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "services.cli", "migrate", "--sql"], capture_output=True, text=True, check=True
    ).stdout
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(printed.encode())  # several statements in one message, as psql sends them
    assert differences(empty_database_url) == []
    commands.upgrade(empty_database_url)  # and has nothing left to do


def test_concurrent_migrations_run_one_after_the_other(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(commands.upgrade, [empty_database_url] * 4))
    assert differences(empty_database_url) == []


def test_a_schema_of_a_newer_release_stays_as_it_is(empty_database_url: str) -> None:
    commands.upgrade(empty_database_url)
    newer = f"{int(commands.head()) + 1:04}"
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (newer,))
        connection.execute("CREATE TABLE of_the_newer_release ()")
    ran = subprocess.run(
        [sys.executable, "-m", "services.cli", "migrate"],
        env={**os.environ, "DATABASE_URL": empty_database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"schema is at {newer}, newer than this release knows; left unchanged\n"
    assert names(empty_database_url, "SELECT version_num FROM alembic_version") == [newer]
    assert "of_the_newer_release" in names(empty_database_url, _TABLES)


def test_a_schema_of_a_development_version_is_refused(empty_database_url: str) -> None:
    commands.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0012'")
    for arguments in ((), ("--down", "base")):
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli", "migrate", *arguments],
            env={**os.environ, "DATABASE_URL": empty_database_url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"warmcast: {DEVELOPMENT_VERSION}\n"
    assert names(empty_database_url, "SELECT version_num FROM alembic_version") == ["0012"]
    assert "warmup_jobs" in names(empty_database_url, _TABLES)


async def test_the_service_refuses_a_schema_of_a_development_version(empty_database_url: str) -> None:
    commands.upgrade(empty_database_url)
    database = Database(empty_database_url, pool_size=1)
    schema = SchemaReadiness(database, empty_database_url, oldest=commands.base(), required=commands.head())
    try:
        assert await schema.ready()
        with psycopg.connect(empty_database_url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '0012'")
        with pytest.raises(RefusedError, match=DEVELOPMENT_VERSION):
            await schema.ready()
    finally:
        await database.close()
