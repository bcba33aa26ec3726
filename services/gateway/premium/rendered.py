"""A premium answer as it is sent, rendered once however many clients it goes to."""

from __future__ import annotations

import time
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.responses import Response

from services.common.job_status import JobStatus
from services.common.telemetry.counters import count_from_zero
from services.gateway.http.problems import retry_after
from services.gateway.http.representation import RawHeaders, Representation
from services.gateway.premium.answer import Answer, render, seconds_to_wait
from services.gateway.premium.cache_control import cache_control
from services.gateway.premium.decision import Served

ANSWERS = count_from_zero(
    Counter(
        "warmcast_gateway_premium_answers_total",
        "Premium answers, by what they said and whose bundles they carried",
        ["status", "served"],
    ),
    JobStatus,
    Served,
)


@dataclass(frozen=True)
class Render:
    """How this gateway renders: with the debug fields or not, for every cache or for the client's own alone."""

    debug: bool
    private: bool

    def __call__(self, answer: Answer) -> Rendered:
        """`answer` as it is sent."""
        cached = cache_control(answer.decision.status, triggered=answer.triggered, private=self.private)
        headers = {"cache-control": cached}
        if (wait := seconds_to_wait(answer)) is not None:
            headers["retry-after"] = retry_after(wait)
        return Rendered(answer, Representation(render(answer, debug=self.debug), headers))


class Rendered:
    """One answer and its representation."""

    def __init__(self, answer: Answer, representation: Representation) -> None:
        self.answer = answer
        self.looked_at = answer.looked_at
        self._representation = representation
        self._counter = ANSWERS.labels(answer.decision.status.value, answer.decision.served.value)

    def respond(self, request: RawHeaders) -> Response:
        """The response to a request with those headers; its `Age` counts from the look that the answer stands on."""
        self._counter.inc()
        age = b"%d" % max(time.monotonic() - self.looked_at, 0)
        return self._representation.respond(request, [(b"age", age)])
