"""`warmcast explain` with the real services: the story of a comparison in each of its states."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from services.cli.explain.contents import Story
from tests.e2e.calls import Caller, age, export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.e2e.test_cli import warmcast

pytestmark = pytest.mark.slow
WHERE = ("amazon-vs-costco", "--tf", "5y", "--geo", "US")


def story(product: Product, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
    """The story as JSON."""
    ended = warmcast(product, "explain", *(arguments or WHERE), "--json")
    assert (ended.returncode, ended.stderr) == (exit_code, "")
    told: dict[str, Any] = json.loads(ended.stdout)
    assert len(told) == len(Story.__struct_fields__)
    return told


def text(product: Product) -> str:
    """The story as text."""
    ended = warmcast(product, "explain", *WHERE)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def rows(caller: Caller) -> list[tuple[int, int, str]]:
    """Id, version and status of every job, to show that the command changes none."""
    return [(row["id"], row["version"], row["status"]) for row in caller.rows()]


def test_an_unknown_comparison_is_refused_and_an_unenqueued_one_explained(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    unknown = warmcast(product, "explain", *WHERE)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "amazon-vs-costco" in unknown.stderr
    assert warmcast(product, "explain", "amazon").returncode == 2

    caller.ingest()
    told = story(product, "Costco-vs-Amazon", "--tf", "5y", "--geo", "us")
    assert (told["slug"], told["timeframe"], told["geo"]) == ("amazon-vs-costco", "5y", "US")
    snapshot = told["snapshot"]
    assert (snapshot["terms"], snapshot["points"], snapshot["source"]) == (
        ["amazon", "costco"],
        104,
        "google-trends-csv",
    )
    assert (snapshot["first"], snapshot["previousDataHash"]) == ("2022-01-02T00:00:00Z", None)
    assert (told["job"], told["interpretations"]) == (None, None)
    premium = told["premium"]
    assert (premium["warmupStatus"], premium["serves"], premium["enqueues"]) == ("queued", "nothing", "first-call")
    assert "there is no job yet" in premium["because"]
    assert rows(caller) == [], "it enqueues nothing"


def test_a_queued_a_ready_and_a_stale_comparison(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    queued = story(product)
    assert (queued["job"]["status"], queued["job"]["queuePosition"], queued["job"]["attempts"]) == ("queued", 1, 0)
    assert (queued["premium"]["warmupStatus"], queued["premium"]["enqueues"]) == ("queued", None)
    assert "its job is queued" in queued["premium"]["because"]
    [keys] = queued["keys"]
    assert not any(mark["key"]["exists"] for mark in keys["marks"])

    caller.post("/api/jobs/run-warmup")
    before = rows(caller)
    ready = story(product)
    assert rows(caller) == before, "it changes nothing"
    assert (ready["job"]["status"], ready["job"]["attempts"], ready["job"]["lastError"]) == ("ready", 1, None)
    served = caller.premium()
    [keys] = ready["keys"]
    [pair] = keys["bundles"]
    assert (pair["freshness"], pair["defect"], keys["dataHash"]) == ("fresh", None, served["dataHash"])
    assert [pair[term]["key"]["name"] for term in ("termA", "termB")] == list(served["forecastCacheKeysUsed"].values())
    for bundle in (pair["termA"], pair["termB"]):
        assert (bundle["intact"], bundle["leaseId"]) == (True, ready["job"]["leaseId"])
        assert bundle["engineVersion"] == ready["forecaster"]["engineVersion"]
        assert 0 < bundle["key"]["ttlSeconds"] <= timedelta(days=7).total_seconds()
    marks = {mark["key"]["name"].partition(":")[0]: mark["text"] for mark in keys["marks"]}
    assert (marks["warmup-status"], marks["warmup-lock"]) == ("ready", str(ready["job"]["leaseId"]))
    assert ready["premium"] == {
        "warmupStatus": "ready",
        "serves": "current",
        "stale": False,
        "refreshing": False,
        "enqueues": None,
        "because": ["the bundles of the current snapshot are fresh"],
    }
    assert ready["interpretations"] == served["insightsPack"]["interpretations"]
    shown = text(product)
    assert "ready with the forecasts of the current snapshot\n" in shown
    assert pair["termA"]["key"]["name"] in shown

    age(caller, timedelta(hours=25))
    before = rows(caller)
    stale = story(product)["premium"]
    assert (stale["warmupStatus"], stale["stale"], stale["enqueues"]) == ("ready", True, "refresh")
    assert "the next GET enqueues a job (refresh)" in stale["because"]
    assert rows(caller) == before, "it enqueues nothing"


def test_a_failed_comparison_with_the_forecasts_of_the_snapshot_before(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    older = caller.ingest()["dataHash"]
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    newer = caller.ingest(export(weeks=110))["dataHash"]
    caller.premium()
    # An import would refuse this value; a run with it fails permanently.
    caller.rows(f"UPDATE snapshots SET values_a[3] = 500 WHERE data_hash = '{newer}'")
    run = caller.post("/api/jobs/run-warmup")
    assert run["status"] == "failed"

    told = story(product)
    assert (told["snapshot"]["dataHash"], told["snapshot"]["previousDataHash"]) == (newer, older)
    job = told["job"]
    assert (job["status"], job["lastError"], job["coolingDown"]) == ("failed", run["lastError"], True)
    assert job["nextTry"] is not None
    assert [keys["dataHash"] for keys in told["keys"]] == [newer, older]
    assert [keys["bundles"][0]["freshness"] for keys in told["keys"]] == ["missing", "fresh"]
    errors = [mark["text"] for mark in told["keys"][0]["marks"] if mark["key"]["name"].startswith("warmup-error:")]
    assert errors == [run["lastError"]]
    premium = told["premium"]
    assert (premium["warmupStatus"], premium["serves"], premium["stale"]) == ("failed", "previous", True)
    assert premium["enqueues"] is None
    because = " · ".join(premium["because"])
    assert "the snapshot before it has bundles" in because
    assert "its job failed, and cools down for another 86" in because
    assert told["interpretations"] == caller.premium()["insightsPack"]["interpretations"]
    shown = text(product)
    assert f"last error   {run['lastError']}" in shown
    assert f"next try     {job['nextTry']}" in shown


def test_a_corrupt_bundle_and_an_unavailable_forecaster(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    caller.premium()
    caller.post("/api/jobs/run-warmup")
    key = caller.premium()["forecastCacheKeysUsed"]["termBKey"]
    with caller.redis() as client:
        client.setrange(key, 40, b"!")
    told = story(product)
    [pair] = told["keys"][0]["bundles"]
    assert (pair["freshness"], pair["termA"]["intact"], pair["termB"]["intact"]) == ("missing", True, False)
    assert pair["termB"]["defect"] == "its checksum differs"
    premium = told["premium"]
    assert (premium["warmupStatus"], premium["serves"], premium["enqueues"]) == ("queued", "nothing", "cache-lost")
    assert any("its checksum differs" in reason for reason in premium["because"])
    assert "its job is ready" in premium["because"]
    assert "not intact: its checksum differs" in text(product)

    product.kill("forecaster")
    before = rows(caller)
    away = story(product, *WHERE, "--wait", "0", exit_code=4)
    assert "the forecaster at" in away["forecaster"]["error"]
    assert (away["job"]["status"], away["snapshot"]["points"], away["keys"]) == ("ready", 104, [])
    assert (away["premium"]["warmupStatus"], away["premium"]["enqueues"]) == (None, None)
    shown = warmcast(product, "explain", *WHERE, "--wait", "0")
    assert shown.returncode == 4
    assert "failed: the forecaster at" in shown.stdout
    assert "attempts     1" in shown.stdout
    assert rows(caller) == before, "it enqueues nothing"
