"""Live status through the whole product, from PostgreSQL's notification to the client's event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.e2e.calls import AMAZON, PREMIUM
from tests.e2e.conftest import Call, Product, StartProduct
from tests.waiting import wait_until

EVENTS = f"{PREMIUM}/events"


@contextmanager
def events(product: Product, last_event_id: str = "") -> Iterator[Iterator[tuple[str, Any]]]:
    """Yields id and data of each event until the stream ends."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with (
        httpx.Client(base_url=product.base_url, timeout=60, trust_env=False) as http,
        http.stream("GET", EVENTS, params=AMAZON, headers=headers) as response,
    ):
        assert response.status_code == 200
        yield _events(response)


def _events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], json.loads(fields["data"])
            fields = {}


def test_events_report_each_status_of_a_cold_comparison_until_it_is_ready(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(WARM_ANSWER_SECONDS="1", DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    with events(product) as stream:
        queued_id, queued = next(stream)
        assert (queued["warmupStatus"], queued["queuePosition"]) == ("queued", 1)
        caller.post("/api/jobs/run-warmup")
        rest = list(stream)
    assert [data["warmupStatus"] for _, data in rest] == ["running", "ready"]
    assert caller.premium()["warmupStatus"] == "ready"
    ready_id = rest[-1][0]
    with events(product, queued_id) as stream:
        assert [identity for identity, _ in stream] == [ready_id], "the events after the last event id are replayed"
    again = caller.http.get(EVENTS, params=AMAZON, headers={"Last-Event-ID": ready_id})
    assert again.status_code == 204


def test_a_stream_survives_a_restart_of_jobs(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    caller.ingest()
    with events(product) as stream:
        assert next(stream)[1]["warmupStatus"] == "queued"
        product.restart("jobs", DISPATCHER_ENABLED="true")
        assert [data["warmupStatus"] for _, data in stream][-1] == "ready"


def test_a_cached_answer_is_dropped_after_a_change_by_another_process(start_product: StartProduct, call: Call) -> None:
    product = start_product(WARM_ANSWER_SECONDS="60")
    caller = call(product)
    caller.ingest()
    caller.until("ready")
    wait_until(lambda: not caller.premium()["refreshing"], 20, "the end of the run is published")
    [before] = caller.rows()
    caller.rows("UPDATE warmup_jobs SET status = 'cancelled', version = version + 1")
    with caller.redis() as cache:
        cache.flushall()

    def computed_again() -> bool:
        # Without the notification the answer would be cached for a minute.
        caller.premium()
        return bool(caller.rows()[0]["lease_id"] > before["lease_id"])

    wait_until(computed_again, 20, "the forecasts are computed again")
