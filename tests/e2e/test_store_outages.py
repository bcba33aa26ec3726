"""Outages, restarts, losses and restores of PostgreSQL and Redis: every job still settles."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from tests.e2e.calls import AMAZON, PREMIUM, Caller, export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.e2e.intervals import AGE_READY_JOBS, SHORT_INTERVALS
from tests.e2e.test_cli import warmcast
from tests.waiting import wait_until


def test_after_a_flush_of_redis_the_job_is_queued_and_becomes_ready_again(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    caller.ingest()
    caller.premium()
    before = caller.until("ready")
    # The bundles exist shortly before the row is ready. After that only their loss can start an episode.
    wait_until(lambda: caller.rows()[0]["status"] == "ready", 20, "the row is ready")
    caller.rows(AGE_READY_JOBS)
    with caller.redis() as client:
        client.flushall()
    lost = caller.premium()
    assert (lost["warmupStatus"], lost["forecastAvailable"], lost["warmupTriggered"]) == ("queued", False, True)
    after = caller.until("ready")
    same = ("points", "metrics", "forecastHash")
    for label in ("termA", "termB"):
        was, now = (answer["insightsPack"]["forecasts"][label] for answer in (before, after))
        assert {name: was[name] for name in same} == {name: now[name] for name in same}


@pytest.mark.slow
def test_jobs_become_ready_again_after_restarts_of_postgres_and_redis(
    start_product: StartProduct, call: Call, postgres: Postgres, valkey: Valkey
) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    first_lease = wait_until(lambda: _ready_under_a_lease_above(caller, 0), 20, "the row is ready")
    caller.rows("CHECKPOINT")  # the test server does not wait for the disk on commit; these data must survive the kill
    postgres.kill()
    postgres.start()
    # A copy from the gateway's memory would be stale. A fresh answer shows that jobs works again.
    assert caller.until("ready", fresh=True)["forecastAvailable"]
    caller.post_json("/api/comparison/warmup", {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US"})
    second_lease = wait_until(lambda: _ready_under_a_lease_above(caller, first_lease), 60, "it is computed again")
    caller.rows(AGE_READY_JOBS)
    valkey.kill()
    valkey.start()
    # Without persistence all bundles are lost; the next call re-queues the job.
    assert caller.until("ready", fresh=True)["forecastAvailable"]
    assert wait_until(lambda: _ready_under_a_lease_above(caller, second_lease), 60, "it is ready again")


def test_while_redis_is_unavailable_the_last_good_answer_is_served_and_nothing_is_enqueued(
    start_product: StartProduct, call: Call, valkey: Valkey
) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    # An answer is ready once its forecasts exist; the row becomes ready shortly after.
    wait_until(lambda: caller.rows()[0]["status"] == "ready", 20, "the row is ready")
    version = caller.rows()[0]["version"]
    valkey.stop()
    answer = caller.premium()
    assert (answer["warmupStatus"], answer["stale"], answer["forecastAvailable"]) == ("ready", True, True)
    cause = "the forecast cache is unavailable"
    wait_until(lambda: not product.services["forecaster"].ready(), 20, "the forecaster is not ready")
    wait_until(lambda: cause in warmcast(product, "status").stdout, 20, "the status names the cause nevertheless")
    product.restart("gateway")
    without_copy = caller.http.get(PREMIUM, params=AMAZON)
    assert without_copy.status_code == 503
    assert int(without_copy.headers["Retry-After"]) >= 1
    assert without_copy.headers["Content-Type"] == "application/problem+json"
    assert caller.rows()[0]["version"] == version
    valkey.start()


@pytest.mark.slow
def test_jobs_become_ready_after_a_restore_of_an_old_dump(start_product: StartProduct, call: Call) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    product.stop("jobs")
    name = product.database_url.rpartition("/")[2]
    _copy_database(product, name, "dump")
    product.start("jobs")
    # An answer from memory would be stale. A fresh one shows that the gateway is connected to jobs again.
    wait_until(lambda: caller.premium()["stale"] is False, 20, "jobs answers")
    # Runs after the dump raise the fence in Redis above the leases in the dump.
    for _ in range(3):
        caller.post_json("/api/comparison/warmup", {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US", "force": True})
        wait_until(lambda: caller.rows()[0]["status"] == "ready", 60, "it is computed again")
    lost_lease = caller.rows()[0]["lease_id"]
    product.stop("jobs")
    _copy_database(product, "dump", name)
    product.start("jobs")
    assert caller.rows()[0]["lease_id"] < lost_lease
    caller.rows(AGE_READY_JOBS)
    with caller.redis() as client:
        client.delete(*client.keys("forecast:*"))
    wait_until(lambda: caller.premium()["stale"] is False and caller.rows()[0]["status"] == "ready", 60, "it is ready")
    assert caller.premium()["warmupStatus"] == "ready"
    assert caller.rows()[0]["lease_id"] > lost_lease


@pytest.mark.slow
def test_imports_answer_503_while_postgresql_is_read_only_and_work_again_afterwards(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = call(product)
    pids = {name: service.pid for name, service in product.services.items()}
    caller.ingest()
    caller.premium()
    caller.until("ready")
    with psycopg.connect(product.database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            headers = caller.secret | {"Content-Type": "text/csv"}
            wait_until(
                lambda: (
                    caller.http.post("/api/comparisons", content=export("bread"), headers=headers).status_code == 503
                ),
                10,
                "an import is refused",
            )
            for _ in range(20):
                refused = caller.http.post("/api/comparisons", content=export("bread"), headers=headers)
                assert (refused.status_code, "retry-after" in refused.headers) == (503, True), refused.text
                assert caller.premium()["warmupStatus"] == "ready", "reads succeed"
            assert "PostgreSQL is read-only" in warmcast(product, "status").stdout
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))

    def imported() -> bool:
        return caller.http.post("/api/comparisons", content=export("bread"), headers=headers).is_success

    wait_until(imported, 5, "imports succeed again")
    caller.until("ready", slug="bread-vs-costco", timeout=15)
    assert {name: service.pid for name, service in product.services.items()} == pids
    for service in product.services.values():
        service.stop()
        assert "ended with status 0" in service.exit_summary


def _ready_under_a_lease_above(caller: Caller, lease: int) -> int:
    """The job's lease id if it is ready and its lease is above `lease`; else 0."""
    (row,) = caller.rows()
    return int(row["lease_id"]) if row["status"] == "ready" and row["lease_id"] > lease else 0


def _copy_database(product: Product, source: str, target: str) -> None:
    """Replaces the target database by a copy of the source, as a dump and a restore would."""
    server = product.database_url.rpartition("/")[0] + "/postgres"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(target), sql.Identifier(source)))
