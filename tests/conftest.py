"""Fixtures with real stores. Tests in `tests/unit` use none of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import grpc.aio
import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from devstack.stores import ports
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey

# No limit for the time of an example or of its data: workers share the machine. `timeout` limits the test.
settings.register_profile("parallel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("parallel")

# gRPC's poller would end with the last channel of a test and start again with the next one. Its end has a data race
# (grpc/grpc#43364), so this reference keeps one poller for the whole run.
grpc.aio.init_grpc_aio()

if worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    ports.share = (int(worker), int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One PostgreSQL for the whole run. A test that stops or kills it must start it again."""
    server = Postgres(
        tmp_path_factory.mktemp("postgres"),
        # The data are not needed after the run, so no write waits for a disk.
        settings={"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"},
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One Valkey for the whole run. A test that stops or kills it must start it again."""
    server = Valkey(tmp_path_factory.mktemp("valkey"), settings={"appendonly": "no"})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database for this test alone."""
    yield from _database(postgres, "template0")


@pytest.fixture
def database_url(postgres: Postgres, migrated_template: str) -> Iterator[str]:
    """The URL of a migrated database for this test alone."""
    yield from _database(postgres, migrated_template)


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """The name of a migrated template database. An open connection to it would block copies."""
    from services.jobs.migrator import commands  # noqa: PLC0415 - slow to import; only tests with a schema need it

    _execute(postgres, "CREATE DATABASE {}", _TEMPLATE)
    commands.upgrade(postgres.database_url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """The URL of an empty Valkey."""
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


def _database(server: Postgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    server.start()
    _execute(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    yield server.database_url(name)
    server.start()
    _execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(server: Postgres, statement: str, *names: str) -> None:
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
