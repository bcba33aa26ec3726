"""Calls every route as an operator and as a client; the dispatcher is off, so that each state can be observed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx

from devstack.sample import SLUG, TIMEFRAME, sample
from devtools.examples.recorder import Recorder

_EARLIER, _LATER = 24, 36  # months of the sample: a forecast of a year from the first can be scored by the second
_PREMIUM = "/api/comparison/premium"
_WHERE = {"slug": SLUG, "tf": TIMEFRAME}


class Walk:
    """One gateway, called with and without the warmup secret."""

    def __init__(self, recorder: Recorder, base_url: str, secret: str, lose_cache: Callable[[], None]) -> None:
        self._keep = recorder.answer
        self._kept_request = recorder.request
        self._lose_cache = lose_cache
        self.public = httpx.Client(base_url=base_url, timeout=60)
        self.operator = httpx.Client(base_url=base_url, timeout=60, headers={"X-Warmup-Secret": secret})

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *_: object) -> None:
        self.public.close()
        self.operator.close()

    def take(self, *, until_demand_is_told: Callable[[], None]) -> None:
        """The whole walk, in order. Newer data are enqueued at once only for comparisons in demand."""
        self._import_and_warm()
        self._look()
        until_demand_is_told()
        self._import_newer_data()
        self._act()
        self._lose_and_sweep()

    def run(self, **headers: str) -> httpx.Response:
        """Runs the oldest queued job."""
        return self.operator.post("/api/jobs/run-warmup", headers=headers)

    def _import_and_warm(self) -> None:
        body = months(_EARLIER)
        operation = "POST /api/comparisons"
        self._kept_request(operation, "series", "Two terms as JSON", body)
        created = self.operator.post("/api/comparisons", json=body)
        self._keep(operation, "stored", "New data", created, 201)
        again = self.operator.post("/api/comparisons", json=body)
        self._keep(operation, "there-already", "The same data again", again)
        first = self.public.get(_PREMIUM, params=_WHERE)
        self._keep(f"GET {_PREMIUM}", "queued", "The first call: no forecasts yet, a warmup is enqueued", first)
        events = self._during_events(self.run)
        ran, stream = events
        self._keep(f"GET {_PREMIUM}/events", "queued-to-ready", "A warmup from queued to ready", stream)
        self._keep("POST /api/jobs/run-warmup", "ran", "The oldest job ran", ran)
        self._keep("POST /api/jobs/run-warmup", "nothing-queued", "An empty queue", self.run())
        ready = self.public.get(_PREMIUM, params=_WHERE)
        self._keep(f"GET {_PREMIUM}", "ready", "After the warmup", ready)

    def _look(self) -> None:
        self._keep("GET /api/comparisons", "one", "All comparisons", self.public.get("/api/comparisons"))
        shown = self.public.get(f"/api/comparisons/{SLUG}", params={"tf": TIMEFRAME})
        self._keep("GET /api/comparisons/{slug}", "series", "Series, stats and signals", shown)
        self._keep("GET /healthz", "alive", "Alive", self.public.get("/healthz"))
        self._keep("GET /readyz", "ready", "Ready", self.public.get("/readyz"))
        trust = self.public.get("/api/forecast/trust-stats")
        self._keep("GET /api/forecast/trust-stats", "nothing-yet", "Before the first scored forecast", trust)

    def _import_newer_data(self) -> None:
        body = months(_LATER)
        operation, path = "PUT /api/comparisons/{slug}", f"/api/comparisons/{SLUG}"
        self._kept_request(operation, "series", "Another year of data for the same terms", body)
        stored = self.operator.put(path, params={"tf": TIMEFRAME}, json=body)
        self._keep(operation, "stored", "Newer data of a comparison in demand: enqueued at once", stored, 201)
        again = self.operator.put(path, params={"tf": TIMEFRAME}, json=body)
        self._keep(operation, "there-already", "The same data again", again)
        stale = self.public.get(_PREMIUM, params=_WHERE)
        summary = "Newer data without forecasts: those of the older data are served"
        self._keep(f"GET {_PREMIUM}", "stale", summary, stale)
        trust = self.public.get("/api/forecast/trust-stats")
        self._keep("GET /api/forecast/trust-stats", "scored", "The newer data scored one forecast", trust)

    def _act(self) -> None:
        jobs = self._keep("GET /api/jobs", "two", "Newest first", self.operator.get("/api/jobs"))
        job_id = jobs["jobs"][0]["jobId"]
        shown = self.operator.get(f"/api/jobs/{job_id}")
        self._keep("GET /api/jobs/{id}", "queued", "A queued job", shown)
        cancelled = self.operator.post(f"/api/jobs/{job_id}/cancel")
        self._keep("POST /api/jobs/{id}/cancel", "cancelled", "A cancelled job", cancelled)
        requeued = self.operator.post(f"/api/jobs/{job_id}/requeue")
        self._keep("POST /api/jobs/{id}/requeue", "queued", "A re-queued job", requeued)
        body = {"slug": SLUG, "tf": TIMEFRAME, "force": True}
        self._kept_request("POST /api/comparison/warmup", "force", "Compute even if the forecasts are cached", body)
        triggered = self.operator.post("/api/comparison/warmup", json=body)
        self._keep("POST /api/comparison/warmup", "enqueued", "The job after the call", triggered, 202)
        self.run().raise_for_status()

    def _lose_and_sweep(self) -> None:
        operation = "POST /api/jobs/sweep"
        self._keep(operation, "nothing-stuck", "Nothing to re-queue", self.operator.post("/api/jobs/sweep"))
        self._lose_cache()
        swept = self.operator.post("/api/jobs/sweep")
        self._keep(operation, "cache-lost", "Forecasts of a ready job are missing in the cache", swept)
        self.run().raise_for_status()

    def _during_events(self, act: Callable[[], httpx.Response]) -> tuple[httpx.Response, httpx.Response]:
        """What `act` answers, done once the stream of events has begun, and the stream to its end."""
        done: list[httpx.Response] = []
        with self.public.stream("GET", f"{_PREMIUM}/events", params=_WHERE) as stream:
            acting: threading.Thread | None = None
            text = ""
            for chunk in stream.iter_text():
                text += chunk
                if acting is None and "event: status" in text:
                    acting = threading.Thread(target=lambda: done.append(act()))
                    acting.start()
            if acting is not None:
                acting.join()
            kept = httpx.Response(stream.status_code, headers={"content-type": "text/event-stream"}, text=text)
        return done[0], kept


def months(last: int) -> dict[str, Any]:
    """The sample's first months up to that one, of its last three years."""
    whole = sample()
    points = whole["points"]
    assert isinstance(points, list)  # noqa: S101 - for the type checker; sample made it
    return {**whole, "points": points[-_LATER:][:last]}
