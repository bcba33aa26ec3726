"""The list of jobs, its live part, and the list as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.job_status import status_name
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import (
    CSV_PAGE_SIZE,
    PAGE_SIZE,
    Addresses,
    csv_download,
    read_filter,
)
from services.gateway.pages.operations.jobs.filter import NAMES, fields, job_filter
from services.gateway.pages.operations.jobs.view import job_row
from services.gateway.routes.operators.filters import list_request
from services.gateway.routes.requests.parameters import cursor
from services.gateway.upstream.clients import Jobs

_PATH = "/ops/jobs"
_CSV_TIMES = ("created_at", "queued_at", "started_at", "completed_at", "not_before", "lease_expires_at")


@dataclass(frozen=True)
class JobsPages:
    """The list."""

    console: Console
    jobs: Jobs

    async def page(self, request: Request) -> Response:
        """One page of jobs, newest first. What is wrong with the filter is said above its form."""
        given = read_filter(request.query_params, NAMES)
        addresses, after = Addresses(_PATH, given), cursor(request.query_params)
        wrong = ""
        try:
            live = await self._live(request, given, after)
        except WarmcastError as error:
            if error.reason is not errors.INVALID_ARGUMENT:
                raise
            wrong, live = error.detail, Markup()
        before = self.console.render(
            "operations/jobs/before.html", request, addresses=addresses, fields=fields(given), error=wrong
        )
        if wrong:
            return self.console.respond(request, View("Jobs", "Jobs", live, before=before), 400)
        selected = self.console.render("operations/jobs/selected.html", request, back=addresses.page(after))
        view = View("Jobs", "Jobs", live, addresses.fragment(after), before=before, after=selected, script="jobs.js")
        return self.console.respond(request, view)

    async def fragment(self, request: Request) -> Response:
        """The rows alone."""
        given = read_filter(request.query_params, NAMES)
        return self.console.fragment(request, await self._live(request, given, cursor(request.query_params)))

    async def csv(self, request: Request) -> Response:
        """All that match."""
        given = read_filter(request.query_params, NAMES)

        async def fetch(after: str) -> tuple[list[list[object]], str]:
            found = await self._list(given, after, CSV_PAGE_SIZE)
            return [_cells(job) for job in found.jobs], found.next_page_token

        return await csv_download(request, "jobs", _HEADER, fetch)

    async def _live(self, request: Request, given: Mapping[str, str], after: str) -> Markup:
        found = await self._list(given, after, PAGE_SIZE)
        return self.console.render(
            "operations/jobs/list.html",
            request,
            rows=[job_row(job) for job in found.jobs],
            addresses=Addresses(_PATH, given),
            cursor=after,
            next=found.next_page_token,
        )

    async def _list(self, given: Mapping[str, str], after: str, limit: int) -> jobs_pb2.ListJobsResponse:
        return await self.jobs.list_jobs(list_request(job_filter(given), limit=limit, cursor=after))


_HEADER = (
    *("job id", "status", "slug", "timeframe", "geo", "reason", "attempts", "rescues", "error reason", "error"),
    *("engine version", "debug id", "holder", "version"),
    *(name.replace("_", " ") for name in _CSV_TIMES),
)


def _cells(job: jobs_pb2.WarmupJob) -> list[object]:
    return [
        *(job.id, status_name(job.status), job.slug, job.timeframe, job.geo, job.reason, job.attempts, job.requeues),
        *(job.error_reason, job.last_error, job.engine_version, job.debug_id, job.holder, job.version),
        *(timestamp(job, name) for name in _CSV_TIMES),
    ]
