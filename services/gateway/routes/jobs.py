"""Routes that list, show, re-queue and cancel warmup jobs."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import invalid
from services.common.job_status import JobStatus
from services.common.rpc.job_status import TO_PROTO
from services.gateway.bodies.jobs import JobList, job
from services.gateway.routes import parameters
from services.gateway.routes.responses import json_response
from services.gateway.upstream.clients import Jobs


@dataclass(frozen=True)
class JobRoutes:
    """/api/jobs and /api/jobs/{id}."""

    jobs: Jobs

    async def index(self, request: Request) -> Response:
        """One page of jobs, newest first, filtered by status, slug and age."""
        query = request.query_params
        filters = jobs_pb2.ListJobsRequest(
            slug=parameters.slug_filter(query),
            older_than_seconds=parameters.age(query, "olderThan"),
            newer_than_seconds=parameters.age(query, "newerThan"),
            page_size=parameters.limit(query),
            page_token=parameters.cursor(query),
        )
        if status := parameters.single(query, "status"):
            if status not in set(JobStatus):
                raise invalid("status", f"status must be one of {', '.join(JobStatus)}")
            filters.status = TO_PROTO[JobStatus(status)]
        page = await self.jobs.list_jobs(filters)
        return json_response(JobList([job(row) for row in page.jobs], page.next_page_token or None))

    async def show(self, request: Request) -> Response:
        """One job."""
        return json_response(job(await self.jobs.get_job(_id(request))))

    async def requeue(self, request: Request, secret: str) -> Response:
        """Starts a new episode of one job."""
        return json_response(job(await self.jobs.requeue_job(_id(request), secret=secret)))

    async def cancel(self, request: Request, secret: str) -> Response:
        """Cancels one queued job."""
        return json_response(job(await self.jobs.cancel_job(_id(request), secret=secret)))


def _id(request: Request) -> int:
    return parameters.job_id(request.path_params["id"])
