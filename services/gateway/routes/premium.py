"""GET and HEAD /api/comparison/premium."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.demand import Demand
from services.gateway.parameters import comparison_key
from services.gateway.premium import caching
from services.gateway.premium.answer import render, seconds_to_wait
from services.gateway.premium.asking import PremiumAnswers
from services.gateway.problems import retry_after

ANSWERS = Counter(
    "warmcast_gateway_premium_answers_total",
    "Premium answers, by what they said and whose bundles they carried",
    ["status", "served"],
)


@dataclass(frozen=True)
class PremiumRoutes:
    """The premium answer over HTTP."""

    answers: PremiumAnswers
    demand: Demand
    debug: bool

    async def premium(self, request: Request) -> Response:
        """The answer as JSON, or 304 when the client has it; HEAD never enqueues and is not counted."""
        key = comparison_key(request.query_params)
        asked = request.method == "GET"
        answer = await self.answers.ask(key, may_enqueue=asked)
        if asked:
            self.demand.count(key)
        ANSWERS.labels(answer.decision.status.value, answer.decision.served.value).inc()
        body = render(answer, debug=self.debug)
        tag = caching.entity_tag(body)
        cached = caching.cache_control(answer.decision.status, triggered=answer.triggered, private=self.debug)
        headers = {"etag": tag, "cache-control": cached}
        if (wait := seconds_to_wait(answer)) is not None:
            headers["retry-after"] = retry_after(wait)
        if caching.not_modified(request.headers.getlist("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")
