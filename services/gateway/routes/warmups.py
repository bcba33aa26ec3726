"""Routes that enqueue a warmup, run queued jobs, and sweep."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import ComparisonKey
from services.gateway.bodies import jobs as job_bodies
from services.gateway.premium.cache import AnswerCache
from services.gateway.routes.requests import parameters, request_bodies
from services.gateway.routes.responses import json_response
from services.gateway.upstream.clients import Jobs

MAX_RUN_JOBS = 100


@dataclass(frozen=True)
class WarmupRoutes:
    """/api/comparison/warmup, /api/jobs/run-warmup and /api/jobs/sweep."""

    jobs: Jobs
    answers: AnswerCache
    bounds: request_bodies.BodyBounds

    async def trigger(self, request: Request, secret: str) -> Response:
        """Enqueues in any state; `force` also restarts a running job."""
        kind = request_bodies.media_type(request)
        if kind != "application/json":
            raise request_bodies.unsupported(kind, "application/json")
        content = await request_bodies.read_body(request, self.bounds)
        body = request_bodies.from_json(content, request_bodies.TriggerBody)
        timeframe = parameters.agreed_timeframe(body.tf, body.timeframe)
        key = ComparisonKey.parse(body.slug, timeframe or "", body.geo or "")
        triggered = await self.jobs.trigger(key, force=body.force, secret=secret, reason=body.reason)
        self.answers.invalidate(key)
        return json_response(job_bodies.Triggered(job_bodies.job(triggered.job), triggered.enqueued), 202)

    async def run(self, request: Request, secret: str) -> Response:
        """Claims and runs up to `max` queued jobs. A caller that disconnects does not cancel the run."""
        max_jobs = parameters.integer(request.query_params, "max", default=1, minimum=1, maximum=MAX_RUN_JOBS)
        return json_response(job_bodies.run((await self.jobs.run_warmup(max_jobs, secret)).jobs))

    async def sweep(self, _request: Request, secret: str) -> Response:
        """Re-queues stuck jobs; the response says which and why."""
        return json_response(job_bodies.swept(await self.jobs.sweep(secret)))
