"""Whatever is killed, every job settles, and every status is true."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from services.forecaster.cache import envelope
from tests.e2e.calls import AMAZON, PREMIUM, Caller, export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.waiting import wait_until

QUICK = {"LEASE_SECONDS": "2", "BEAT_SECONDS": "0.3", "BACKOFF_BASE_SECONDS": "0.2", "COOLDOWN_SECONDS": "600"}
# A loss within a minute of `ready` would be made good only after it.
LONG_READY = "UPDATE warmup_jobs SET completed_at = completed_at - interval '1 min'"


def test_kill_of_the_forecaster_in_mid_run(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = _in_mid_run(product, call)
    product.kill("forecaster")
    product.start("forecaster")
    caller.until("ready")
    assert caller.rows()[0]["attempts"] > 1


def test_kill_of_jobs_in_mid_run(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = _in_mid_run(product, call)
    product.kill("jobs")
    _send_to_workers(product, signal.SIGCONT)
    product.start("jobs")
    caller.until("ready")
    assert len(caller.rows()) == 1


def test_kill_of_a_worker_in_mid_run(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = _in_mid_run(product, call)
    _send_to_workers(product, signal.SIGKILL)
    caller.until("ready")  # in the same attempt where the worker had not taken the task yet
    assert len(caller.rows()) == 1


def test_a_frozen_forecaster_is_found_as_fast_as_a_dead_one(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = _in_mid_run(product, call)
    forecaster = product.services["forecaster"]
    forecaster.send(signal.SIGSTOP)
    wait_until(lambda: caller.rows()[0]["last_error"], 20, "the run was given up")
    assert caller.rows()[0]["status"] in ("queued", "running")
    _send_to_workers(product, signal.SIGCONT)
    forecaster.send(signal.SIGCONT)
    caller.until("ready")


def test_flushing_redis_takes_the_job_back_and_it_becomes_ready_again(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    caller.ingest()
    caller.premium()
    before = caller.until("ready")
    # The bundles are there a moment before the row says so; from then on only their loss can begin an episode.
    wait_until(lambda: caller.rows()[0]["status"] == "ready", 20, "the row is ready")
    caller.rows(LONG_READY)
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
def test_a_restart_of_postgres_and_of_redis_is_recovered_from(
    start_product: StartProduct, call: Call, postgres: Postgres, valkey: Valkey
) -> None:
    product = start_product(**QUICK)
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    first_lease = wait_until(lambda: _ready_under_a_lease_above(caller, 0), 20, "the row is ready")
    caller.rows("CHECKPOINT")  # the tests' server commits without waiting for a disk; this is what it must not lose
    postgres.kill()
    postgres.start()
    # A copy from the gateway's memory is stale: this one shows that jobs can be asked again, and the run that it runs.
    assert caller.until("ready", fresh=True)["forecastAvailable"]
    caller.post_json("/api/comparison/warmup", {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US"})
    second_lease = wait_until(lambda: _ready_under_a_lease_above(caller, first_lease), 60, "it was computed once more")
    caller.rows(LONG_READY)
    valkey.kill()
    valkey.start()
    # Without persistence all bundles are gone; the next call takes the job back, and it is warmed again.
    assert caller.until("ready", fresh=True)["forecastAvailable"]
    assert wait_until(lambda: _ready_under_a_lease_above(caller, second_lease), 60, "it was warmed again")


def test_while_redis_is_away_the_last_good_answer_is_served_and_nothing_is_enqueued(
    start_product: StartProduct, call: Call, valkey: Valkey
) -> None:
    product = start_product(**QUICK)
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    # An answer is ready as soon as its forecasts are there; their job moves once more.
    wait_until(lambda: caller.rows()[0]["status"] == "ready", 20, "the row is ready")
    version = caller.rows()[0]["version"]
    valkey.stop()
    answer = caller.premium()
    assert (answer["warmupStatus"], answer["stale"], answer["forecastAvailable"]) == ("ready", True, True)
    product.restart("gateway")
    forgotten = caller.http.get(PREMIUM, params=AMAZON)
    assert forgotten.status_code == 503
    assert int(forgotten.headers["Retry-After"]) >= 1
    assert forgotten.headers["Content-Type"] == "application/problem+json"
    assert caller.rows()[0]["version"] == version
    valkey.start()


def test_stale_bundles_are_served_and_refreshed(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    _age(caller, timedelta(hours=24, seconds=1))
    stale = caller.premium()
    assert (stale["warmupStatus"], stale["stale"], stale["forecastAvailable"]) == ("ready", True, True)
    assert stale["warmupTriggered"] is True
    again = caller.premium()
    assert (again["stale"], again["refreshing"], again["warmupTriggered"]) == (True, True, False)
    caller.post("/api/jobs/run-warmup")
    assert caller.premium()["stale"] is False
    _age(caller, timedelta(days=7))
    gone = caller.premium()
    assert (gone["warmupStatus"], gone["forecastAvailable"]) == ("queued", False)


def test_a_permanent_failure_shows_failed_and_its_error_and_is_tried_again_after_its_cool_down(
    start_product: StartProduct,
    call: Call,
) -> None:
    product = start_product(**QUICK, DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    # No import lets such a value in; a run that meets it all the same can only fail.
    caller.rows("UPDATE snapshots SET values_a[3] = 500")
    run = caller.post("/api/jobs/run-warmup")
    assert (run["success"], run["status"]) == (False, "failed")
    failed = caller.premium()
    assert (failed["warmupStatus"], failed["forecastAvailable"], failed["warmupTriggered"]) == ("failed", False, False)
    assert failed["lastWarmupError"] == run["lastError"]
    (row,) = caller.rows()
    with caller.redis() as client:
        assert client.get(f"warmup-error:amazon-vs-costco:5y:US:{row['data_hash']}") == run["lastError"].encode()
    again = caller.http.get(PREMIUM, params=AMAZON)
    assert 86_000 < int(again.headers["Retry-After"]) <= 86_400
    assert caller.rows()[0]["version"] == row["version"]
    caller.rows("UPDATE snapshots SET values_a[3] = 50")
    caller.rows("UPDATE warmup_jobs SET cooldown_until = now() - interval '1 s'")
    assert caller.premium()["warmupTriggered"] is True
    caller.post("/api/jobs/run-warmup")
    assert caller.premium()["warmupStatus"] == "ready"


def test_out_of_attempts_is_failed_and_recovers(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK, MAX_ATTEMPTS="2")
    caller = call(product)
    lock = f"warmup-lock:amazon-vs-costco:5y:US:{caller.ingest()['dataHash']}"
    with caller.redis() as client:
        client.rpush(lock, "no lease")  # this comparison's writes fail, and no other's
        caller.premium()
        failed = caller.until("failed")
        client.delete(lock)
    assert failed["lastWarmupError"]
    (row,) = caller.rows()
    assert (row["status"], row["attempts"]) == ("failed", 2)
    again = caller.http.get(PREMIUM, params=AMAZON)
    assert 500 < int(again.headers["Retry-After"]) <= 600
    caller.rows("UPDATE warmup_jobs SET cooldown_until = now() - interval '1 s'")
    assert caller.premium()["warmupTriggered"] is True
    caller.until("ready")


def test_a_job_queued_for_over_five_minutes_is_reported_by_the_sweep_and_keeps_its_place(
    start_product: StartProduct,
    call: Call,
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.rows(
        "UPDATE warmup_jobs SET queued_at = queued_at - interval '6 min', created_at = created_at - interval '6 min'"
    )
    (before,) = caller.rows()
    swept = caller.post("/api/jobs/sweep")
    assert [(each["slug"], each["cause"], each["status"]) for each in swept["requeued"]] == [
        ("amazon-vs-costco", "queued-overdue", "queued")
    ]
    (after,) = caller.rows()
    assert (after["status"], after["queued_at"]) == ("queued", before["queued_at"])
    product.restart("jobs", DISPATCHER_ENABLED="true")
    caller.until("ready")


def test_the_sweep_takes_back_a_ready_job_whose_bundles_are_gone(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    wait_until(lambda: caller.rows("SELECT last_asked_at FROM comparisons")[0]["last_asked_at"], 20, "demand arrived")
    with caller.redis() as client:
        client.flushall()
    swept = caller.post("/api/jobs/sweep")
    assert [each["cause"] for each in swept["requeued"]] == ["cache-lost"]
    caller.post("/api/jobs/run-warmup")
    assert caller.rows()[0]["status"] == "ready"
    with caller.redis() as client:
        client.flushall()
    product.stop("forecaster")
    skipped = caller.post("/api/jobs/sweep")
    assert (skipped["requeued"], skipped["audited"]) == ([], 0)
    assert skipped["auditSkipped"]
    assert caller.rows()[0]["status"] == "ready"


@pytest.mark.slow
def test_an_old_dump_of_postgres_is_restored_and_jobs_still_finish(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    product.stop("jobs")
    name = product.database_url.rpartition("/")[2]
    _copy_database(product, name, "dump")
    product.start("jobs")
    # An answer from memory would be stale: this one shows that the gateway has found jobs again.
    wait_until(lambda: caller.premium()["stale"] is False, 20, "jobs answers")
    # Time goes on after the dump: later leases raise the fence in Redis beyond all that the dump knows of.
    for _ in range(3):
        caller.post_json("/api/comparison/warmup", {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US", "force": True})
        wait_until(lambda: caller.rows()[0]["status"] == "ready", 30, "it was computed once more")
    lost_lease = caller.rows()[0]["lease_id"]
    product.stop("jobs")
    _copy_database(product, "dump", name)
    product.start("jobs")
    assert caller.rows()[0]["lease_id"] < lost_lease
    caller.rows(LONG_READY)
    with caller.redis() as client:
        client.delete(*client.keys("forecast:*"))
    wait_until(lambda: caller.premium()["stale"] is False and caller.rows()[0]["status"] == "ready", 60, "it is ready")
    assert caller.premium()["warmupStatus"] == "ready"
    assert caller.rows()[0]["lease_id"] > lost_lease


@pytest.mark.slow
def test_a_stop_of_jobs_hands_back_what_runs_and_exits_0(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = _in_mid_run(product, call)
    product.stop("jobs")
    assert "ended with status 0" in product.services["jobs"].exit_summary
    (row,) = caller.rows()
    assert (row["status"], row["attempts"], row["holder"]) == ("queued", 0, None)
    _send_to_workers(product, signal.SIGCONT)
    product.start("jobs")
    caller.until("ready")
    assert caller.rows()[0]["attempts"] == 1


@pytest.mark.slow
def test_a_stop_of_the_forecaster_ends_what_runs_and_exits_0(start_product: StartProduct, call: Call) -> None:
    product = start_product(**QUICK)
    caller = _in_mid_run(product, call)
    product.stop("forecaster")
    assert "ended with status 0" in product.services["forecaster"].exit_summary
    wait_until(lambda: caller.rows()[0]["status"] == "queued", 20, "the run is over")
    # One attempt was cut short, and none is spent while there is nobody to run it.
    assert caller.rows()[0]["attempts"] == 1
    product.start("forecaster")
    caller.until("ready")
    assert caller.rows()[0]["attempts"] == 2


def _ready_under_a_lease_above(caller: Caller, lease: int) -> int:
    """The lease that the job became ready under, if it is above `lease`; else 0."""
    (row,) = caller.rows()
    return int(row["lease_id"]) if row["status"] == "ready" and row["lease_id"] > lease else 0


def _copy_database(product: Product, source: str, target: str) -> None:
    """A dump and its restore in one: the target, if it is there, is replaced by the source as it is now."""
    server = product.database_url.rpartition("/")[0] + "/postgres"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(target), sql.Identifier(source)))


def _in_mid_run(product: Product, call: Call) -> Caller:
    """A job that runs, and cannot end while the workers are frozen."""
    caller = call(product)
    caller.ingest()
    _send_to_workers(product, signal.SIGSTOP)
    caller.premium()
    wait_until(lambda: caller.rows()[0]["status"] == "running", 20, "the job runs")
    return caller


def _send_to_workers(product: Product, number: signal.Signals) -> None:
    """A signal to each process that the forecaster started."""
    workers = [pid for pid in _processes() if _parent(pid) == product.services["forecaster"].pid]
    assert workers
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # it has ended


def _age(caller: Caller, by: timedelta) -> None:
    """Ages the bundles, sealed as the forecaster seals them, and the run that computed them."""
    keys = caller.premium()["forecastCacheKeysUsed"]
    names = (keys["termAKey"], keys["termBKey"])
    with caller.redis() as client:
        pair = envelope.unseal(*client.mget(names))
        assert pair is not None
        aged = dataclasses.replace(pair, generated_at=datetime.now(UTC) - by)
        for name, value in zip(names, envelope.seal(aged), strict=True):
            client.set(name, value, keepttl=True)
    caller.rows(f"UPDATE warmup_jobs SET completed_at = completed_at - interval '{by.total_seconds()} s'")


@pytest.mark.slow
def test_a_read_only_postgresql_costs_answers_of_503_and_nothing_afterwards(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(**QUICK)
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
                assert caller.premium()["warmupStatus"] == "ready", "reads go on"
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))

    def imported() -> bool:
        return caller.http.post("/api/comparisons", content=export("bread"), headers=headers).is_success

    wait_until(imported, 5, "imports are taken again")
    caller.until("ready", slug="bread-vs-costco", timeout=15)
    assert {name: service.pid for name, service in product.services.items()} == pids
    for service in product.services.values():
        service.stop()
        assert "ended with status 0" in service.exit_summary
