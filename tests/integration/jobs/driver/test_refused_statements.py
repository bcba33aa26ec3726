"""The stores when PostgreSQL refuses statements: read-only, busy, or misconfigured."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.domain.job import EnqueueReason
from services.jobs.postgres.driver.connection import Connection, prefer_primary, run
from services.jobs.postgres.driver.database import Database
from tests.integration.jobs.conftest import Store, forecasts, key_of
from tests.waiting import wait_until_async

Send = Callable[[str], Awaitable[list[Any]]]

# A sequence keeps its value when the statement fails.
_REFUSING = """
CREATE SEQUENCE tries;
CREATE TABLE backends (pid integer);
CREATE FUNCTION refuse(code text, times bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE this bigint := nextval('tries');
BEGIN
    IF this <= times THEN
        RAISE EXCEPTION 'text of the server' USING ERRCODE = code;
    END IF;
    INSERT INTO backends VALUES (pg_backend_pid());
    RETURN this;
END $$;
"""


class UnknownOutcomes:
    """Counts statements with an unknown outcome."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(_REFUSING)
    database = Database(database_url, pool_size=3)
    await database.open()
    await database._pool.wait()  # a connection that opens after a refusal is new, and is not replaced
    yield database
    await database.close()


@pytest.fixture
def unknown() -> UnknownOutcomes:
    return UnknownOutcomes()


@pytest.fixture(params=["fetch", "fetch_once", "dedicated connection"])
def send(request: pytest.FixtureRequest, database: Database, unknown: UnknownOutcomes) -> Send:
    """Each way to send one statement."""
    connection = database.dedicated_connection()
    ways: dict[str, Send] = {
        "fetch": lambda statement: database.fetch(statement, on_unknown_outcome=unknown),
        "fetch_once": lambda statement: database.fetch_once(statement, {}, on_unknown_outcome=unknown),
        "dedicated connection": lambda statement: connection.fetch_once(statement, {}, on_unknown_outcome=unknown),
    }
    return ways[request.param]


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014"])
async def test_a_failed_statement_is_retried_on_its_connection(
    database: Database, send: Send, unknown: UnknownOutcomes, code: str
) -> None:
    before = await _connections(database)
    await send("SELECT 1")
    assert len(await send(f"SELECT refuse('{code}', 3)")) == 1
    assert await _tries(database) == 4
    assert unknown.times == 0
    assert await _connections(database) == before


async def test_a_statement_is_retried_three_times_at_most(
    database: Database, send: Send, unknown: UnknownOutcomes
) -> None:
    with pytest.raises(WarmcastError) as caught:
        await send("SELECT refuse('40P01', 1000)")
    assert (caught.value.reason, caught.value.detail) == (errors.UNAVAILABLE, "PostgreSQL is busy")
    assert await _tries(database) == 4
    assert unknown.times == 0


async def test_a_failed_statement_in_a_transaction_fails_the_transaction(database: Database) -> None:
    with pytest.raises(WarmcastError) as caught:
        async with database.transaction() as connection:
            await run(connection, "SELECT refuse('40P01', 1)")
    assert caught.value.reason is errors.UNAVAILABLE
    assert await _tries(database) == 1


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "25006"])
async def test_a_transaction_that_failed_without_effect_is_retried(
    database: Database, unknown: UnknownOutcomes, code: str
) -> None:
    async def work(connection: Connection) -> int:
        await run(connection, "INSERT INTO backends VALUES (0)")
        (row,) = await run(connection, f"SELECT refuse('{code}', 3) AS try")
        return int(row["try"])

    assert await database.transact(work, on_unknown_outcome=unknown) == 4
    (row,) = await database.fetch("SELECT count(*) FROM backends")
    assert row["count"] == 2, "of the one that was committed"
    assert unknown.times == 0


@pytest.mark.parametrize("code", ["25006", "53100", "58030", "XX000"])
async def test_a_connection_that_is_refused_writes_is_replaced(
    database: Database, send: Send, unknown: UnknownOutcomes, code: str
) -> None:
    await send("SELECT 1")
    assert len(await send(f"SELECT refuse('{code}', 1)")) == 1  # without effect, so it is retried
    assert await _tries(database) == 2
    assert unknown.times == 0


async def test_a_refused_dedicated_connection_replaces_the_pool_too(database: Database) -> None:
    before = await _connections(database)
    with pytest.raises(WarmcastError):
        await database.dedicated_connection().fetch_once("SELECT refuse('25006', 1000)", {})
    await wait_until_async(lambda: _has_made(database, before + 3), 5, "its three connections are new")


@pytest.mark.parametrize("code", ["42501", "0A000", "3F000"])
async def test_a_misconfiguration_is_logged_and_hidden_from_callers(
    send: Send, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WarmcastError) as caught:
        await send(f"SELECT refuse('{code}', 1000)")
    assert caught.value.reason is errors.UNAVAILABLE
    assert "text of the server" not in caught.value.detail
    logged = capsys.readouterr().out
    assert code in logged
    assert "text of the server" in logged


async def test_a_statement_that_fails_with_a_bug_is_not_retried(database: Database, send: Send) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        await send("SELECT refuse('23505', 1)")
    assert await _tries(database) == 1


async def test_many_refused_statements_open_few_connections(database: Database) -> None:
    await database.fetch("SELECT 1")
    before, began = await _connections(database), time.monotonic()
    for _ in range(200):
        with pytest.raises(WarmcastError):
            await database.fetch("SELECT refuse('25006', 1000000)")
    # Three at a time, with pauses of at least 0.1, 0.2, 0.5 and then 1 s.
    assert await _connections(database) - before <= 3 * (4 + time.monotonic() - began) < 200


async def test_the_state_of_a_server_that_is_only_read_follows_it(database_url: str) -> None:
    await _set_read_only(database_url, "on")
    database = Database(database_url, pool_size=3)
    await database.open()
    listings = Store(database_url, database).listings
    try:
        assert (await listings.database()).read_only
        await _set_read_only(database_url, "off")

        async def accepts_writes() -> bool:
            return not any([(await listings.database()).read_only for _ in range(2 * 3)])

        await wait_until_async(accepts_writes, 20, "no connection is read-only")
    finally:
        await database.close()


async def test_stores_recover_once_a_read_only_server_accepts_writes(database_url: str) -> None:
    await _set_read_only(database_url, "on")
    database = Database(database_url, pool_size=3)
    await database.open()
    store = Store(database_url, database)
    try:
        with pytest.raises(WarmcastError) as caught:
            await store.comparison()
        assert (caught.value.reason, caught.value.detail) == (errors.UNAVAILABLE, "PostgreSQL is read-only")
        with pytest.raises(WarmcastError):
            await store.queue.claim(1)
        assert (await store.listings.database()).read_only
        await _set_read_only(database_url, "off")
        # Each connection of before is replaced when a statement on it fails.
        snapshot = await _once_available(store.comparison, "an import is taken")
        enqueue = partial(store.queue.enqueue, key_of(snapshot), snapshot.data_hash, reason=EnqueueReason.FIRST_CALL)
        assert await _once_available(partial(enqueue, seen_version=0), "a job is enqueued") is not None
        (claimed,) = (await _once_available(partial(store.queue.claim, 1), "a job is claimed")).claimed
        assert await _once_available(partial(store.queue.ready, claimed, forecasts()), "a result is taken")
    finally:
        await database.close()


def test_the_url_with_several_hosts_prefers_the_primary() -> None:
    several = "postgresql://user:pass%20word@first,second:5433/name?options=-c%20a.b%3Dc"
    parts = conninfo_to_dict(prefer_primary(several))
    assert parts.pop("target_session_attrs") == "read-write"
    assert parts == conninfo_to_dict(several)
    for unchanged in ("postgresql://user@one/name", f"{several}&target_session_attrs=any"):
        assert prefer_primary(unchanged) == unchanged


async def _once_available(call: Callable[[], Awaitable[Any]], what: str) -> Any:
    return await wait_until_async(lambda: _unless_unavailable(call), 5, what)


async def _unless_unavailable(call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except WarmcastError:
        return None


async def _tries(database: Database) -> int:
    (row,) = await database.fetch("SELECT last_value FROM tries")
    return int(row["last_value"])


async def _connections(database: Database) -> int:
    """The number of connections that the pool has opened so far."""
    await database.fetch("SELECT 1")
    return database._pool.get_stats().get("connections_num", 0)


async def _has_made(database: Database, connections: int) -> bool:
    return await _connections(database) >= connections


async def _set_read_only(url: str, value: str) -> None:
    name = url.rpartition("/")[2]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        await connection.execute(change.format(sql.Identifier(name), sql.SQL(value)))
