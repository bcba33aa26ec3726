"""A premium answer with its JSON and headers, rendered once for each selection of parts and any number of clients."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache
from prometheus_client import Counter
from starlette.responses import Response

from services.common.job_status import JobStatus
from services.common.telemetry.counters import count_from_zero
from services.gateway.http.problems import retry_after
from services.gateway.http.representation import RawHeaders, Representation
from services.gateway.premium.answer import Answer, poll_interval, render
from services.gateway.premium.cache_control import cache_control
from services.gateway.premium.decision import Served
from services.gateway.premium.parts import ALL_PARTS, Parts

ANSWERS = count_from_zero(
    Counter(
        "warmcast_gateway_premium_answers_total",
        "Premium answers by warmup status and by whose bundles they carry",
        ["status", "served"],
    ),
    JobStatus,
    Served,
)


_MAX_SELECTIONS = 3  # renderings of an answer that are kept, beside the default one


@dataclass(frozen=True)
class Renderer:
    """Renders answers: `debug` adds the debug fields, `private` keeps shared HTTP caches from storing them."""

    debug: bool
    private: bool

    def __call__(self, answer: Answer) -> Rendered:
        """Prepares one answer."""
        caching = cache_control(answer.decision.status, triggered=answer.triggered, private=self.private)
        headers = {"cache-control": caching}
        if (wait := poll_interval(answer)) is not None:
            headers["retry-after"] = retry_after(wait)
        return Rendered(answer, headers, debug=self.debug)


class Rendered:
    """One answer and its representations: one for all parts, and those of the selections that were used last.

    Each is rendered at its first use. They share the parts of the answer, and are dropped with it.
    """

    def __init__(self, answer: Answer, headers: Mapping[str, str], *, debug: bool) -> None:
        self.answer = answer
        self.fetched_at = answer.fetched_at
        self._headers = headers
        self._debug = debug
        self._complete: Representation | None = None
        self._selections: LRUCache[Parts, Representation] = LRUCache(_MAX_SELECTIONS)
        self._counter = ANSWERS.labels(answer.decision.status.value, answer.decision.served.value)

    def respond(self, request: RawHeaders, parts: Parts = ALL_PARTS) -> Response:
        """The response to a request with those headers; `Age` counts from when the answer was fetched."""
        self._counter.inc()
        age = b"%d" % max(time.monotonic() - self.fetched_at, 0)
        representation = self._with_all() if parts == ALL_PARTS else self._with(parts)
        return representation.respond(request, [(b"age", age)])

    def _with_all(self) -> Representation:
        if self._complete is None:
            self._complete = self._render(ALL_PARTS)
        return self._complete

    def _with(self, parts: Parts) -> Representation:
        selection = self._selections.get(parts)
        if selection is None:
            selection = self._selections[parts] = self._render(parts)
        return selection

    def _render(self, parts: Parts) -> Representation:
        return Representation(render(self.answer, debug=self._debug, parts=parts), self._headers)
