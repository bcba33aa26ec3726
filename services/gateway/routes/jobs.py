"""Routes that list, show, re-queue, cancel and run warmup jobs."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.bodies.jobs import JobList, job
from services.gateway.bodies.operators.attempts import attempt_list
from services.gateway.routes.operators.filters import from_query, job_filter, list_request
from services.gateway.routes.requests import parameters, request_bodies
from services.gateway.routes.responses import json_response
from services.gateway.upstream.clients import Jobs
from services.gateway.upstream.operations import Operations


@dataclass(frozen=True)
class JobRoutes:
    """/api/jobs and /api/jobs/{id}."""

    jobs: Jobs
    operations: Operations
    bounds: request_bodies.BodyBounds

    async def index(self, request: Request) -> Response:
        """One page of jobs that match, newest first."""
        query = request.query_params
        matching = job_filter(from_query(query))
        page = await self.jobs.list_jobs(
            list_request(matching, limit=parameters.limit(query), cursor=parameters.cursor(query))
        )
        return json_response(JobList([job(row) for row in page.jobs], page.next_page_token or None))

    async def show(self, request: Request) -> Response:
        """One job."""
        return json_response(job(await self.jobs.get_job(_id(request))))

    async def attempts(self, request: Request) -> Response:
        """One page of a job's ended attempts."""
        query = request.query_params
        found = await self.operations.list_attempts(
            _id(request), limit=parameters.limit(query), cursor=parameters.cursor(query)
        )
        return json_response(attempt_list(found))

    async def requeue(self, request: Request, secret: str) -> Response:
        """Starts a new episode of one job."""
        job_id, reason = _id(request), await self._reason(request)
        return json_response(job(await self.jobs.requeue_job(job_id, secret=secret, reason=reason)))

    async def cancel(self, request: Request, secret: str) -> Response:
        """Cancels one queued or running job."""
        job_id, reason = _id(request), await self._reason(request)
        return json_response(job(await self.jobs.cancel_job(job_id, secret=secret, reason=reason)))

    async def run(self, request: Request, secret: str) -> Response:
        """Claims and runs one job at once. A caller that disconnects does not cancel the run."""
        job_id, reason = _id(request), await self._reason(request)
        return json_response(job(await self.operations.run_job(job_id, secret=secret, reason=reason)))

    async def _reason(self, request: Request) -> str:
        body = await request_bodies.optional_json(request, self.bounds, request_bodies.ReasonBody)
        return body.reason


def _id(request: Request) -> int:
    return parameters.job_id(request.path_params["id"])
