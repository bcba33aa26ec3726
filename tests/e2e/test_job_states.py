"""Stale, failed, overdue and lost forecasts, in premium answers and in the queue."""

from __future__ import annotations

from datetime import timedelta

from tests.e2e.calls import AMAZON, PREMIUM, age
from tests.e2e.conftest import Call, StartProduct
from tests.e2e.intervals import SHORT_INTERVALS
from tests.waiting import wait_until


def test_stale_bundles_are_served_and_refreshed(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    age(caller, timedelta(hours=24, seconds=1))
    stale = caller.premium()
    assert (stale["warmupStatus"], stale["stale"], stale["forecastAvailable"]) == ("ready", True, True)
    assert stale["warmupTriggered"] is True
    again = caller.premium()
    assert (again["stale"], again["refreshing"], again["warmupTriggered"]) == (True, True, False)
    caller.post("/api/jobs/run-warmup")
    assert caller.premium()["stale"] is False
    age(caller, timedelta(days=7))
    expired = caller.premium()
    assert (expired["warmupStatus"], expired["forecastAvailable"]) == ("queued", False)


def test_a_permanent_failure_is_reported_and_retried_after_its_cool_down(
    start_product: StartProduct,
    call: Call,
) -> None:
    product = start_product(**SHORT_INTERVALS, DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    # An import would refuse this value; a run with it fails permanently.
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


def test_a_job_out_of_attempts_fails_and_is_retried_after_its_cool_down(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(**SHORT_INTERVALS, MAX_ATTEMPTS="2")
    caller = call(product)
    lock = f"warmup-lock:amazon-vs-costco:5y:US:{caller.ingest()['dataHash']}"
    with caller.redis() as client:
        client.rpush(lock, "no lease")  # only writes of this comparison fail
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


def test_the_sweep_re_queues_a_ready_job_whose_bundles_are_lost(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    wait_until(
        lambda: caller.rows("SELECT last_requested_at FROM comparisons")[0]["last_requested_at"],
        20,
        "the demand is stored",
    )
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
