"""Starting warmups by hand, running them, and sweeping up."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import ComparisonKey
from services.gateway.premium.cache import WarmAnswers
from services.gateway.routes import parameters, request_bodies, responses
from services.gateway.upstream.clients import Jobs

MOST_A_RUN = 100


@dataclass(frozen=True)
class WarmupRoutes:
    """/api/comparison/warmup, /api/jobs/run-warmup and /api/jobs/sweep."""

    jobs: Jobs
    answers: WarmAnswers
    bounds: request_bodies.BodyBounds

    async def trigger(self, request: Request, secret: str) -> Response:
        """Enqueues whatever the state; `force` also restarts a running job."""
        kind = request_bodies.media_type(request)
        if kind != "application/json":
            raise request_bodies.unsupported(kind, "application/json")
        content = await request_bodies.read_body(request, self.bounds)
        body = request_bodies.from_json(content, request_bodies.TriggerBody)
        timeframe = parameters.agreed_timeframe(body.tf, body.timeframe)
        key = ComparisonKey.parse(body.slug, timeframe or "", body.geo or "")
        triggered = await self.jobs.trigger(key, force=body.force, secret=secret)
        self.answers.forget(key)
        return responses.answer({"job": responses.job(triggered.job), "enqueued": triggered.enqueued}, 202)

    async def run(self, request: Request, secret: str) -> Response:
        """Claims and runs up to `max` queued jobs. The run belongs to jobs: who leaves does not cancel it."""
        most = parameters.integer(request.query_params, "max", default=1, least=1, most=MOST_A_RUN)
        return responses.answer(responses.run((await self.jobs.run_warmup(most, secret)).jobs))

    async def sweep(self, _request: Request, secret: str) -> Response:
        """Re-queues stuck jobs and says which, and why."""
        return responses.answer(responses.swept(await self.jobs.sweep(secret)))
