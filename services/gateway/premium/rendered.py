"""A premium answer with its JSON and headers, rendered once for any number of clients."""

from __future__ import annotations

import time
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.responses import Response

from services.common.job_status import JobStatus
from services.common.telemetry.counters import count_from_zero
from services.gateway.http.problems import retry_after
from services.gateway.http.representation import RawHeaders, Representation
from services.gateway.premium.answer import Answer, poll_interval, render
from services.gateway.premium.cache_control import cache_control
from services.gateway.premium.decision import Served

ANSWERS = count_from_zero(
    Counter(
        "warmcast_gateway_premium_answers_total",
        "Premium answers by warmup status and by whose bundles they carry",
        ["status", "served"],
    ),
    JobStatus,
    Served,
)


@dataclass(frozen=True)
class Renderer:
    """Renders answers: `debug` adds the debug fields, `private` keeps shared HTTP caches from storing them."""

    debug: bool
    private: bool

    def __call__(self, answer: Answer) -> Rendered:
        """Renders one answer."""
        caching = cache_control(answer.decision.status, triggered=answer.triggered, private=self.private)
        headers = {"cache-control": caching}
        if (wait := poll_interval(answer)) is not None:
            headers["retry-after"] = retry_after(wait)
        return Rendered(answer, Representation(render(answer, debug=self.debug), headers))


class Rendered:
    """One answer and its representation."""

    def __init__(self, answer: Answer, representation: Representation) -> None:
        self.answer = answer
        self.fetched_at = answer.fetched_at
        self._representation = representation
        self._counter = ANSWERS.labels(answer.decision.status.value, answer.decision.served.value)

    def respond(self, request: RawHeaders) -> Response:
        """The response to a request with those headers; `Age` counts from when the answer was fetched."""
        self._counter.inc()
        age = b"%d" % max(time.monotonic() - self.fetched_at, 0)
        return self._representation.respond(request, [(b"age", age)])
