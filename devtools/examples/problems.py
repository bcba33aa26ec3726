"""Records an example of every error that a caller can cause, from gateways configured for it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from devstack.processes.child import DevstackError
from devstack.sample import SLUG
from devtools.examples.calls import ExampleCalls, months
from devtools.examples.recorder import Recorder

_PREMIUM = "/api/comparison/premium"
_POST = b"POST /api/comparison/warmup HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
_TIMEOUT = 30.0  # seconds

# Variables of the additional gateways.
STRICT = {
    "ANONYMOUS_RATE": "1/60",
    "CORS_ORIGINS": "https://app.example",
    "BODY_TIMEOUT_SECONDS": "2",
    "MAX_HEAD_BYTES": "4096",
    "MAX_IN_FLIGHT": "1",
    "OPERATOR_READ_SECRET": "the read secret of the examples",
}
WITHOUT_SECRET = {"WARMUP_SECRET": "", "RPC_TIMEOUT_SECONDS": "0.2"}


def record_invalid_requests(recorder: Recorder, calls: ExampleCalls) -> None:
    """Records errors of invalid requests."""
    client, operator = calls.public, calls.operator

    def record(slug: str, summary: str, response: httpx.Response) -> None:
        recorder.problem(slug, summary, response.json())

    record("invalid-argument", "A slug of one term", client.get(_PREMIUM, params={"slug": "amazon"}))
    record("not-found", "An unknown comparison", client.get(_PREMIUM, params={"slug": "cats-vs-dogs"}))
    record("method-not-allowed", "DELETE", client.delete(_PREMIUM))
    record("unauthenticated", "Without the secret", client.post("/api/jobs/sweep"))

    def imported(content: bytes, media_type: str = "text/csv") -> httpx.Response:
        return operator.post("/api/comparisons", content=content, headers={"Content-Type": media_type})

    record("unreadable-input", "A file that is not an export", imported(b"hello"))
    record(
        "single-term",
        "An export of one term",
        imported(b"Week,amazon: (United States)\n2024-01-07,75\n2024-01-14,80\n2024-01-21,77\n"),
    )
    record("unsupported-media-type", "XML", imported(b"<a/>", "text/xml"))
    record("too-large", "More than 2 MiB", imported(b" " * (2 * 1024 * 1024 + 1)))
    other = {**months(24), "terms": ["amzn stock price!", "ibm stock price"]}
    record("slug-taken", "Another term with the same slug", operator.post("/api/comparisons", json=other))
    record(
        "terms-mismatch",
        "Data of other terms",
        operator.put(f"/api/comparisons/{SLUG}", json={**months(24), "terms": ["cats", "dogs"]}),
    )
    unexpected = {"expectedDataHash": "0123456789abcdef", "asOf": "2026-01-31T12:00:00Z"}
    record(
        "data-mismatch",
        "Other data than expected",
        operator.post("/api/comparisons", json=months(24), params=unexpected),
    )
    ready = operator.get("/api/jobs", params={"status": "ready"}).json()["jobs"][0]["jobId"]
    record("wrong-state", "A job that is already ready", operator.post(f"/api/jobs/{ready}/cancel"))


def record_idempotency(recorder: Recorder, calls: ExampleCalls) -> None:
    """Records errors of an idempotency key: used with another request, or by a request in progress."""
    keyed = {"Idempotency-Key": "warmup-of-2026-11-24"}
    body = {"slug": SLUG, "tf": "all", "force": True}
    calls.operator.post("/api/comparison/warmup", json=body, headers=keyed).raise_for_status()
    other = calls.operator.post("/api/comparison/warmup", json={**body, "force": False}, headers=keyed)
    recorder.problem("idempotency-mismatch", "A key that was used with another request", other.json())
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(lambda _: calls.run_warmup(**keyed), range(2))
    late = second if first.is_success else first
    recorder.problem("idempotency-in-progress", "The same request is in progress", late.json())


def record_limits(recorder: Recorder, base_url: str, secret: str) -> None:
    """Records errors of a gateway with API keys, rate limits and short timeouts."""
    preflight = {"Origin": "https://other.example", "Access-Control-Request-Method": "GET"}
    with httpx.Client(base_url=base_url, timeout=_TIMEOUT) as client:
        refused = client.options(_PREMIUM, headers=preflight)
        recorder.problem("cors-refused", "An origin that is not configured", refused.json())
        query = {"slug": SLUG, "tf": "all"}
        recorder.problem("api-key-required", "Without a key", client.get(_PREMIUM, params=query).json())
        recorder.problem("rate-limited", "A second request within a minute", client.get(_PREMIUM, params=query).json())
        reading = {"X-Warmup-Secret": STRICT["OPERATOR_READ_SECRET"]}
        swept = client.post("/api/jobs/sweep", headers=reading)
        recorder.problem("forbidden", "The read secret, to change something", swept.json())
    recorder.problem("malformed-request", "A header without a colon", _raw(base_url, b"GET / HTTP/1.1\r\nHost\r\n\r\n"))
    long = b"GET / HTTP/1.1\r\nHost: gateway\r\nCookie: " + b"a" * 5_000 + b"\r\n\r\n"
    recorder.problem("headers-too-large", "A cookie of 5,000 bytes", _raw(base_url, long))
    slow = _POST + b"X-Warmup-Secret: " + secret.encode() + b"\r\nContent-Length: 100\r\n\r\n{"

    def busy() -> None:
        operator = {"X-Warmup-Secret": secret}
        until = time.monotonic() + _TIMEOUT
        while (answer := httpx.get(f"{base_url}/api/comparisons", headers=operator)).status_code != 503:
            if time.monotonic() > until:
                raise DevstackError("a gateway limited to one request accepted a second one")
        recorder.problem("busy", "Too many concurrent requests", answer.json())

    recorder.problem("request-timeout", "A body that does not arrive in time", _raw(base_url, slow, meanwhile=busy))


def record_missing_secret(recorder: Recorder, base_url: str) -> None:
    """Records errors of a gateway without a secret, whose jobs service does not answer."""
    with httpx.Client(base_url=base_url, timeout=_TIMEOUT) as client:
        recorder.problem("secret-not-configured", "WARMUP_SECRET is not set", client.post("/api/jobs/sweep").json())
        late = client.get("/api/comparisons")
        recorder.problem("deadline-exceeded", "The jobs service exceeded the deadline", late.json())


def record_unavailable(recorder: Recorder, calls: ExampleCalls) -> None:
    """Records the error while jobs is unavailable."""
    recorder.problem("unavailable", "The jobs service is unavailable", calls.public.get("/api/comparisons").json())


def _raw(base_url: str, sent: bytes, meanwhile: Callable[[], None] | None = None) -> object:
    """The JSON body of the answer to raw bytes."""
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname, url.port), _TIMEOUT) as connection:
        connection.sendall(sent)
        if meanwhile:
            meanwhile()
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return json.loads(answer.partition(b"\r\n\r\n")[2])
