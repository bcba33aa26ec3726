"""Calls every route as an operator and as a client. The dispatcher is off, so that each state can be recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from devstack.processes.child import DevstackError
from devstack.sample import SLUG, TIMEFRAME, sample
from devtools.examples.recorder import Recorder

_EARLIER, _LATER = 24, 36  # months of the sample; the later ones score a forecast of the earlier ones
_PREMIUM = "/api/comparison/premium"
_REASON = {"reason": "after the outage of the cache"}
_TIMEOUT = 60.0  # seconds
_QUERY = {"slug": SLUG, "tf": TIMEFRAME}


class ExampleCalls:
    """Calls to one gateway, with and without the warmup secret."""

    def __init__(self, recorder: Recorder, base_url: str, secret: str, flush_cache: Callable[[], None]) -> None:
        self._record = recorder.answer
        self._record_request = recorder.request
        self._flush_cache = flush_cache
        self.public = httpx.Client(base_url=base_url, timeout=60)
        self.operator = httpx.Client(base_url=base_url, timeout=60, headers={"X-Warmup-Secret": secret})

    def __enter__(self) -> ExampleCalls:
        return self

    def __exit__(self, *_: object) -> None:
        self.public.close()
        self.operator.close()

    def run(self, *, wait_for_demand: Callable[[], None]) -> None:
        """Makes all calls. `wait_for_demand` comes first, since newer data are enqueued at once only with demand."""
        self._import_and_warm()
        self._read()
        wait_for_demand()
        self._import_newer_data()
        self._manage_jobs()
        self._sweep()
        self._operate()
        self._report()

    def run_warmup(self, **headers: str) -> httpx.Response:
        """Runs the oldest queued job."""
        return self.operator.post("/api/jobs/run-warmup", headers=headers)

    def _import_and_warm(self) -> None:
        body = months(_EARLIER)
        operation = "POST /api/comparisons"
        self._record_request(operation, "series", "Two terms as JSON", body)
        preview = self.operator.post("/api/comparisons", params={"dryRun": "true"}, json=body)
        self._record(operation, "dry-run", "What would be stored: `dryRun=true`", preview)
        created = self.operator.post("/api/comparisons", json=body)
        self._record(operation, "stored", "New data", created, 201)
        again = self.operator.post("/api/comparisons", json=body)
        self._record(operation, "there-already", "The same data again", again)
        first = self.public.get(_PREMIUM, params=_QUERY)
        self._record(f"GET {_PREMIUM}", "queued", "The first call: no forecasts yet, a warmup is enqueued", first)
        ran, stream = self._during_events(self.run_warmup)
        self._record(f"GET {_PREMIUM}/events", "queued-to-ready", "A warmup from queued to ready", stream)
        self._record("POST /api/jobs/run-warmup", "ran", "The oldest job ran", ran)
        self._record("POST /api/jobs/run-warmup", "nothing-queued", "An empty queue", self.run_warmup())
        ready = self.public.get(_PREMIUM, params=_QUERY)
        self._record(f"GET {_PREMIUM}", "ready", "After the warmup", ready)
        selected = self.public.get(_PREMIUM, params={**_QUERY, "fields": "interpretations"})
        self._record(
            f"GET {_PREMIUM}", "interpretations", "Only the interpretations: `fields=interpretations`", selected
        )

    def _read(self) -> None:
        self._record("GET /api/comparisons", "one", "All comparisons", self.public.get("/api/comparisons"))
        shown = self.public.get(f"/api/comparisons/{SLUG}", params={"tf": TIMEFRAME})
        self._record("GET /api/comparisons/{slug}", "series", "Series, stats and signals", shown)
        self._record("GET /healthz", "alive", "Alive", self.public.get("/healthz"))
        self._record("GET /readyz", "ready", "Ready", self.public.get("/readyz"))
        trust = self.public.get("/api/forecast/trust-stats")
        self._record("GET /api/forecast/trust-stats", "nothing-yet", "Before the first scored forecast", trust)

    def _import_newer_data(self) -> None:
        body = months(_LATER)
        operation, path = "PUT /api/comparisons/{slug}", f"/api/comparisons/{SLUG}"
        self._record_request(operation, "series", "Another year of data for the same terms", body)
        stored = self.operator.put(path, params={"tf": TIMEFRAME}, json=body)
        self._record(operation, "stored", "Newer data of a comparison in demand: enqueued at once", stored, 201)
        again = self.operator.put(path, params={"tf": TIMEFRAME}, json=body)
        self._record(operation, "there-already", "The same data again", again)
        stale = self.public.get(_PREMIUM, params=_QUERY)
        summary = "Newer data without forecasts: those of the older data are served"
        self._record(f"GET {_PREMIUM}", "stale", summary, stale)
        trust = self.public.get("/api/forecast/trust-stats")
        self._record("GET /api/forecast/trust-stats", "scored", "The newer data scored one forecast", trust)

    def _manage_jobs(self) -> None:
        jobs = self._record("GET /api/jobs", "two", "Newest first", self.operator.get("/api/jobs"))
        job_id = jobs["jobs"][0]["jobId"]
        shown = self.operator.get(f"/api/jobs/{job_id}")
        self._record("GET /api/jobs/{id}", "queued", "A queued job", shown)
        for action in ("cancel", "requeue", "run"):
            self._record_request(f"POST /api/jobs/{{id}}/{action}", "reason", "Why, for the audit", _REASON)
        cancelled = self.operator.post(f"/api/jobs/{job_id}/cancel", json=_REASON)
        self._record("POST /api/jobs/{id}/cancel", "cancelled", "A cancelled job", cancelled)
        requeued = self.operator.post(f"/api/jobs/{job_id}/requeue", json=_REASON)
        self._record("POST /api/jobs/{id}/requeue", "queued", "A re-queued job", requeued)
        body = {"slug": SLUG, "tf": TIMEFRAME, "force": True}
        self._record_request("POST /api/comparison/warmup", "force", "Compute even if the forecasts are cached", body)
        triggered = self.operator.post("/api/comparison/warmup", json=body)
        self._record("POST /api/comparison/warmup", "enqueued", "The job after the call", triggered, 202)
        self.run_warmup().raise_for_status()

    def _sweep(self) -> None:
        operation = "POST /api/jobs/sweep"
        self._record(operation, "nothing-stuck", "Nothing to re-queue", self.operator.post("/api/jobs/sweep"))
        self._flush_cache()
        swept = self.operator.post("/api/jobs/sweep")
        self._record(operation, "cache-lost", "Forecasts of a ready job are missing in the cache", swept)
        self.run_warmup().raise_for_status()

    def _operate(self) -> None:
        """Changes jobs by filter, and runs one at once."""
        chosen = {"slug": SLUG, "tf": TIMEFRAME}
        bulk = {"filter": chosen, **_REASON}
        for action in ("requeue", "cancel"):
            operation, path = f"POST /api/jobs/{action}", f"/api/jobs/{action}"
            self._record_request(operation, "filter", "All jobs of one comparison", bulk)
            tried = self.operator.post(path, params={"dryRun": "true"}, json={"filter": chosen})
            dry_run = self._record(operation, "dry-run", "What would be changed: `dryRun=true`", tried)
            started = self.operator.post(path, json=bulk)
            self._record(operation, "running", "It runs in the background", started, 202)
            self._wait_for_end(started.headers["location"])
            self._confirm_or_abort(action, f"/api/operations/{dry_run['operation']['operationId']}")
        self._warm()
        job_id = self.operator.get("/api/jobs").json()["jobs"][0]["jobId"]
        path = f"/api/jobs/{job_id}/run"
        ran, holders = self._while_running(lambda: self.operator.post(path, json=_REASON))
        self._record("POST /api/jobs/{id}/run", "ready", "The job after its run", ran)
        self._record("GET /api/jobs/holders", "one", "One process with one run", holders)

    def _warm(self) -> None:
        """Enqueues comparisons by filter."""
        operation, path = "POST /api/coverage/warm", "/api/coverage/warm"
        wanted = {"filter": {"tf": TIMEFRAME}}
        self._record_request(operation, "filter", "All comparisons of one timeframe", {**wanted, **_REASON})
        tried = self.operator.post(path, params={"dryRun": "true"}, json=wanted)
        self._record(operation, "dry-run", "What would be enqueued: `dryRun=true`", tried)
        started = self.operator.post(path, json={**wanted, **_REASON})
        self._record(operation, "running", "It runs in the background", started, 202)
        self._wait_for_end(started.headers["location"])

    def _confirm_or_abort(self, action: str, path: str) -> None:
        operation = "POST /api/operations/{id}"
        if action == "cancel":
            aborted = self.operator.post(f"{path}/abort")
            self._record(f"{operation}/abort", "aborted", "An operation that was only prepared", aborted)
            return
        self._record_request(f"{operation}/confirm", "reason", "Why, for the audit", _REASON)
        confirmed = self.operator.post(f"{path}/confirm", json=_REASON)
        self._record(f"{operation}/confirm", "running", "It runs in the background", confirmed, 202)
        self._record("GET /api/operations/{id}", "done", "An operation that has ended", self._wait_for_end(path))

    def _wait_for_end(self, path: str) -> httpx.Response:
        return self._until(lambda: self.operator.get(path), lambda body: body["state"] == "done")

    def _report(self) -> None:
        """Reads what operators see."""
        job_id = self.operator.get("/api/jobs").json()["jobs"][0]["jobId"]
        for path, name, summary in (
            ("/api/jobs/stats", "last-hour", "The last hour"),
            ("/api/coverage", "one", "One comparison, which is warm"),
            ("/api/coverage/summary", "one", "One comparison"),
            ("/api/track-record", "one-week", "One scored forecast"),
            ("/api/schedules", "last", "The last run of each schedule that has run"),
            ("/api/audit", "newest", "Newest first"),
        ):
            self._record(f"GET {path}", name, summary, self.operator.get(path))
        attempts = self.operator.get(f"/api/jobs/{job_id}/attempts")
        self._record("GET /api/jobs/{id}/attempts", "newest", "Newest first", attempts)

    def _while_running(self, act: Callable[[], httpx.Response]) -> tuple[httpx.Response, httpx.Response]:
        """The answer of `act`, and the holders while its run lasts."""
        with ThreadPoolExecutor(1) as pool:
            acting = pool.submit(act)
            holders = self._until(
                lambda: self.operator.get("/api/jobs/holders"), lambda body: bool(body["holders"]) or acting.done()
            )
            return acting.result(), holders

    def _until(self, read: Callable[[], httpx.Response], holds: Callable[[Any], bool]) -> httpx.Response:
        """The first answer for which `holds`."""
        until = time.monotonic() + _TIMEOUT
        while not holds((answer := read()).raise_for_status().json()):
            if time.monotonic() > until:
                raise DevstackError(f"{answer.url} did not change within {_TIMEOUT:.0f} s: {answer.text[:500]}")
            time.sleep(0.01)
        return answer

    def _during_events(self, act: Callable[[], httpx.Response]) -> tuple[httpx.Response, httpx.Response]:
        """Calls `act` once the event stream has started. Returns its answer and the complete stream."""
        done: list[httpx.Response] = []
        with self.public.stream("GET", f"{_PREMIUM}/events", params=_QUERY) as stream:
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
    """The first `last` months of the sample's last three years, as an import body."""
    whole = sample()
    points = whole["points"]
    assert isinstance(points, list)  # noqa: S101 - for the type checker
    return {**whole, "points": points[-_LATER:][:last]}
