"""An example of every error that a caller can bring about, each from a gateway that is configured for it."""

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
from devtools.examples.recorder import Recorder
from devtools.examples.walk import Walk, months

_PREMIUM = "/api/comparison/premium"
_POST = b"POST /api/comparison/warmup HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
_SECONDS = 30.0

# What the gateways beside the usual one are started with.
STRICT = {
    "ANONYMOUS_RATE": "1/60",
    "CORS_ORIGINS": "https://app.example",
    "BODY_TIMEOUT_SECONDS": "2",
    "MAX_HEAD_BYTES": "4096",
    "MAX_IN_FLIGHT": "1",
}
WITHOUT_SECRET = {"WARMUP_SECRET": "", "RPC_TIMEOUT_SECONDS": "0.0001"}


def refuse_the_public(keep: Recorder, walk: Walk) -> None:
    """Errors of requests that are wrong in themselves."""
    client, operator = walk.public, walk.operator

    def kept(slug: str, summary: str, response: httpx.Response) -> None:
        keep.problem(slug, summary, response.json())

    kept("invalid-argument", "A slug of one term", client.get(_PREMIUM, params={"slug": "amazon"}))
    kept("not-found", "An unknown comparison", client.get(_PREMIUM, params={"slug": "cats-vs-dogs"}))
    kept("method-not-allowed", "DELETE", client.delete(_PREMIUM))
    kept("unauthenticated", "Without the secret", client.post("/api/jobs/sweep"))

    def imported(content: bytes, media_type: str = "text/csv") -> httpx.Response:
        return operator.post("/api/comparisons", content=content, headers={"Content-Type": media_type})

    kept("unreadable-input", "A file that is not an export", imported(b"hello"))
    kept(
        "single-term",
        "An export of one term",
        imported(b"Week,amazon: (United States)\n2024-01-07,75\n2024-01-14,80\n2024-01-21,77\n"),
    )
    kept("unsupported-media-type", "XML", imported(b"<a/>", "text/xml"))
    kept("too-large", "More than 2 MiB", imported(b" " * (2 * 1024 * 1024 + 1)))
    other = {**months(24), "terms": ["amzn stock price!", "ibm stock price"]}
    kept("slug-taken", "Another term with the same slug", operator.post("/api/comparisons", json=other))
    kept(
        "terms-mismatch",
        "Data of other terms",
        operator.put(f"/api/comparisons/{SLUG}", json={**months(24), "terms": ["cats", "dogs"]}),
    )
    ready = operator.get("/api/jobs", params={"status": "ready"}).json()["jobs"][0]["jobId"]
    kept("wrong-state", "A job that is already ready", operator.post(f"/api/jobs/{ready}/cancel"))


def refuse_repeats(keep: Recorder, walk: Walk) -> None:
    """A key that comes with another request, and one whose request still runs."""
    keyed = {"Idempotency-Key": "warmup-of-2026-11-24"}
    asked = {"slug": SLUG, "tf": "all", "force": True}
    walk.operator.post("/api/comparison/warmup", json=asked, headers=keyed).raise_for_status()
    other = walk.operator.post("/api/comparison/warmup", json={**asked, "force": False}, headers=keyed)
    keep.problem("idempotency-mismatch", "A key that was used with another request", other.json())
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(lambda _: walk.run(**keyed), range(2))
    late = second if first.is_success else first
    keep.problem("idempotency-in-progress", "The same request is in progress", late.json())


def refuse_by_limits(keep: Recorder, base_url: str, secret: str) -> None:
    """What a gateway with keys, rates and short patience says."""
    preflight = {"Origin": "https://other.example", "Access-Control-Request-Method": "GET"}
    with httpx.Client(base_url=base_url, timeout=_SECONDS) as client:
        refused = client.options(_PREMIUM, headers=preflight)
        keep.problem("cors-refused", "An origin that is not configured", refused.json())
        where = {"slug": SLUG, "tf": "all"}
        keep.problem("api-key-required", "Without a key", client.get(_PREMIUM, params=where).json())
        keep.problem("rate-limited", "A second request within a minute", client.get(_PREMIUM, params=where).json())
    keep.problem("malformed-request", "A header without a colon", _raw(base_url, b"GET / HTTP/1.1\r\nHost\r\n\r\n"))
    long = b"GET / HTTP/1.1\r\nHost: gateway\r\nCookie: " + b"a" * 5_000 + b"\r\n\r\n"
    keep.problem("headers-too-large", "A cookie of 5,000 bytes", _raw(base_url, long))
    slow = _POST + b"X-Warmup-Secret: " + secret.encode() + b"\r\nContent-Length: 100\r\n\r\n{"

    def busy() -> None:
        operator = {"X-Warmup-Secret": secret}
        until = time.monotonic() + _SECONDS
        while (answer := httpx.get(f"{base_url}/api/comparisons", headers=operator)).status_code != 503:
            if time.monotonic() > until:
                raise DevstackError("a gateway with one request in flight took another one")
        keep.problem("busy", "Too many concurrent requests", answer.json())

    keep.problem("request-timeout", "A body that does not arrive in time", _raw(base_url, slow, meanwhile=busy))


def refuse_without_secret(keep: Recorder, base_url: str) -> None:
    """What a gateway without a secret says, and one whose deadlines cannot be kept."""
    with httpx.Client(base_url=base_url, timeout=_SECONDS) as client:
        keep.problem("secret-not-configured", "WARMUP_SECRET is not set", client.post("/api/jobs/sweep").json())
        late = client.get("/api/comparisons")
        keep.problem("deadline-exceeded", "The jobs service exceeded the deadline", late.json())


def refuse_without_jobs(keep: Recorder, walk: Walk) -> None:
    """What the gateway says while jobs is away."""
    keep.problem("unavailable", "The jobs service is unavailable", walk.public.get("/api/comparisons").json())


def _raw(base_url: str, sent: bytes, meanwhile: Callable[[], None] | None = None) -> object:
    """The body of the answer to bytes that no client would send."""
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), _SECONDS) as connection:
        connection.sendall(sent)
        if meanwhile:
            meanwhile()
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return json.loads(answer.partition(b"\r\n\r\n")[2])
