"""The main use case with real processes and stores: import, first call, ready."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import Counter
from typing import Any

import pytest

from devstack.stores.ports import LOOPBACK, free_port
from tests.e2e.calls import PREMIUM, Caller, export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.paths import EXPORTS
from tests.waiting import wait_until

GENERATE = 'warmcast_rpc_calls_total{code="OK",method="/warmcast.forecaster.v1.ForecasterService/GenerateForecasts"}'


def test_cold_then_warm_without_any_further_trigger(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    imported = caller.ingest()
    cold = [_first_call(caller, term) for term in ("walmart", "target", "ikea", "aldi", "lidl")]
    for answer, _ in cold:
        assert (answer["warmupStatus"], answer["forecastAvailable"], answer["needsWarmup"]) == ("queued", False, True)
        assert answer["warmupTriggered"] is True
    # The fastest of five, so that a busy machine does not fail the test.
    fastest = min(took for _, took in cold)
    assert fastest < 0.1, f"the fastest first premium call took {fastest * 1000:.0f} ms"

    caller.premium()
    ready = caller.until("ready")
    assert (ready["forecastAvailable"], ready["needsWarmup"], ready["stale"]) == (True, False, False)
    assert ready["dataHash"] == imported["dataHash"]
    forecasts = ready["insightsPack"]["forecasts"]
    for label, term in (("termA", "amazon"), ("termB", "costco")):
        bundle = forecasts[label]
        assert (bundle["term"], bundle["label"], bundle["horizon"], len(bundle["points"])) == (term, label, 26, 26)
        for point in bundle["points"]:
            bounds = [point[name] for name in ("lower95", "lower80", "value", "upper80", "upper95")]
            assert bounds == sorted(bounds)
            assert bounds[0] >= 0
            assert bounds[-1] <= 100
    assert 0 <= forecasts["headToHead"]["winnerProbability"] <= 100
    assert set(ready["insightsPack"]["signals"]["termA"]) == {
        "trend",
        "volatility",
        "seasonality",
        "lastValue",
        "change4",
    }

    keys = ready["forecastCacheKeysUsed"]
    with caller.redis() as client:
        for name, term in (("termAKey", "amazon"), ("termBKey", "costco")):
            expected = f"forecast:amazon-vs-costco:{term}:5y:US:{imported['dataHash']}:"
            assert keys[name].startswith(expected)
            assert 7 * 86_400 - 60 < int(client.ttl(keys[name])) <= 7 * 86_400
        snapshot = f"amazon-vs-costco:5y:US:{imported['dataHash']}"
        assert client.get(f"warmup-status:{snapshot}") == b"ready"
        assert client.get(f"warmup-debug-id:{snapshot}") == ready["warmupDebugId"].encode()
        assert client.get(f"warmup-started-at:{snapshot}")
        assert client.get(f"warmup-finished-at:{snapshot}")
    assert (
        ready["warmupDebugId"]
        == caller.rows("SELECT debug_id FROM warmup_jobs WHERE slug = 'amazon-vs-costco'")[0]["debug_id"]
    )


def test_a_real_export_of_two_terms_becomes_ready(running_product: Product, call: Call) -> None:
    path = EXPORTS / "GoogleTrends--20170711_Ventilateurvsclimatiseur.csv"
    if not path.exists():
        pytest.skip("the real exports are missing")
    caller = call(running_product)
    imported = caller.ingest(path.read_bytes(), geo="FR")
    assert (imported["slug"], imported["timeframe"], imported["points"]) == ("climatiseur-vs-ventilateur", "all", 121)
    query = {"slug": imported["slug"], "tf": "all", "geo": "FR"}
    assert caller.premium(**query)["warmupStatus"] == "queued"
    ready = caller.until("ready", **query)
    assert ready["insightsPack"]["forecasts"]["termA"]["frequency"] == "monthly"


def test_two_real_exports_of_one_term_each_are_joined_without_a_head_to_head(
    running_product: Product, call: Call
) -> None:
    files = [EXPORTS / f"Luan-Lima-Freitas--multiTimeline_{number}.csv" for number in (13, 29)]
    if not all(path.exists() for path in files):
        pytest.skip("the real exports are missing")
    caller = call(running_product)
    single = caller.http.post(
        "/api/comparisons", content=files[0].read_bytes(), headers=caller.secret | {"Content-Type": "text/csv"}
    )
    assert single.status_code == 400
    assert "amazon" in single.json()["detail"]
    parts = [("file", (path.name, path.read_bytes(), "text/csv")) for path in files]
    joined = caller.http.post("/api/comparisons", files=parts, headers=caller.secret)
    assert joined.status_code == 201, joined.text
    assert (joined.json()["slug"], joined.json()["scaledApart"]) == ("amazon-vs-costco", True)
    caller.premium(geo="")
    forecasts = caller.until("ready", geo="")["insightsPack"]["forecasts"]
    assert forecasts["headToHead"] is None
    assert forecasts["termA"]["qualityFlags"]["scaledApart"] is True


def test_without_a_dispatcher_only_run_warmup_runs_jobs(start_product: StartProduct, call: Call) -> None:
    metrics = free_port()
    product = start_product(DISPATCHER_ENABLED="false")
    product.restart("forecaster", METRICS_PORT=str(metrics))
    caller = call(product)
    for slug in (("amazon", "costco"), ("target", "walmart")):
        caller.ingest(export(*slug))
        caller.premium(slug="-vs-".join(slug))
    for _ in range(20):
        assert caller.premium()["warmupStatus"] == "queued"
    assert f"{GENERATE} 0.0" in _metrics(metrics), "premium never computes"

    first = caller.post("/api/jobs/run-warmup")
    assert (first["success"], first["processed"], first["slug"], first["status"]) == (
        True,
        1,
        "amazon-vs-costco",
        "ready",
    )
    assert first["lastError"] is None
    assert [job["slug"] for job in first["jobs"]] == ["amazon-vs-costco"]
    assert caller.premium()["warmupStatus"] == "ready"
    assert caller.premium(slug="target-vs-walmart")["warmupStatus"] == "queued"
    second = caller.post("/api/jobs/run-warmup", max="5")
    assert [job["slug"] for job in second["jobs"]] == ["target-vs-walmart"]
    empty = caller.post("/api/jobs/run-warmup")
    assert (empty["processed"], empty["jobs"], empty["jobId"], empty["slug"], empty["status"]) == (
        0,
        [],
        None,
        None,
        None,
    )
    assert f"{GENERATE} 2.0" in _metrics(metrics)


@pytest.mark.slow
def test_a_thousand_simultaneous_first_calls_create_one_row_and_one_run(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    caller.ingest()

    async def all_at_once() -> list[bytes]:
        return await asyncio.gather(
            *(_get(caller.product, f"{PREMIUM}?slug=amazon-vs-costco&tf=5y&geo=US") for _ in range(1000))
        )

    answers = [answer.partition(b"\r\n\r\n") for answer in asyncio.run(all_at_once())]
    assert Counter(head.partition(b"\r\n")[0] for head, _, _ in answers) == {b"HTTP/1.1 200 OK": 1000}
    assert sum(json.loads(body)["warmupTriggered"] for _, _, body in answers) == 1
    caller.until("ready")
    wait_until(lambda: all(row["status"] == "ready" for row in caller.rows()), 20, "the rows are ready")
    rows = caller.rows()
    assert [(row["attempts"], row["lease_id"], row["status"]) for row in rows] == [(1, 1, "ready")]


def test_one_bundle_alone_is_never_ready(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    keys = caller.premium()["forecastCacheKeysUsed"]
    with caller.redis() as client:
        client.delete(keys["termBKey"])
    single = caller.premium()
    assert (single["warmupStatus"], single["forecastAvailable"], single["needsWarmup"]) == ("queued", False, True)
    assert single["warmupTriggered"] is True
    assert caller.rows()[0]["reason"] == "cache-lost"


def test_debug_fields_appear_only_with_debug_enabled(start_product: StartProduct, call: Call) -> None:
    product = start_product(DEBUG_API_HEADERS="false", DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    fields = {"warmupDebugId", "lastWarmupError", "forecastCacheKeysUsed"}
    assert not fields & set(caller.premium())
    product.restart("gateway", DEBUG_API_HEADERS="true")
    answer = caller.premium()
    assert fields <= set(answer)
    assert answer["warmupDebugId"] == caller.rows()[0]["debug_id"]


def test_forecasts_of_older_data_are_served_until_those_of_newer_data_are_ready(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    old = caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    new = caller.ingest(export(weeks=105))
    assert new["dataHash"] != old["dataHash"]
    served = caller.premium()
    assert (served["dataHash"], served["forecastsDataHash"]) == (new["dataHash"], old["dataHash"])
    assert (served["warmupStatus"], served["forecastAvailable"], served["stale"]) == ("queued", True, True)
    caller.post("/api/jobs/run-warmup")
    fresh = caller.premium()
    assert (fresh["warmupStatus"], fresh["stale"]) == ("ready", False)


def test_a_series_of_three_points_is_accepted_and_flagged_as_too_short(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    caller.ingest(export(weeks=3))
    caller.premium(tf="12m")
    ready = caller.until("ready", tf="12m")
    assert ready["insightsPack"]["forecasts"]["termA"]["qualityFlags"]["seriesTooShort"] is True


def _first_call(caller: Caller, term: str) -> tuple[dict[str, Any], float]:
    """Imports a comparison; returns its first premium answer and the seconds that it took."""
    slug = caller.ingest(export(term, "zara"))["slug"]
    began = time.perf_counter()
    return caller.premium(slug=slug), time.perf_counter() - began


async def _get(product: Product, path: str) -> bytes:
    """The bytes of an answer. A client library takes longer for a thousand requests at once than the product does."""
    reader, writer = await asyncio.open_connection(LOOPBACK, product.addresses.gateway_port)
    async with asyncio.timeout(60):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    writer.close()
    return answer


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return str(response.read().decode())
