"""The page of one job, its attempts as CSV, and its actions."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.operations.frame.lists import CSV_PAGE_SIZE, Addresses, csv_download
from services.gateway.pages.operations.job.facts import fetch
from services.gateway.pages.operations.job.links import LogLinks
from services.gateway.pages.operations.job.view import ATTEMPT_HEADER, attempt_cells, job_page
from services.gateway.pages.operations.jobs.selected import MAX_REASON, read_reason
from services.gateway.pages.site import see_other
from services.gateway.routes.requests.parameters import cursor, job_id

_LOOK_SECONDS = 0.5  # between two looks whether a run has begun


@dataclass(frozen=True)
class JobPages:
    """One job."""

    console: Console
    clients: Clients
    links: LogLinks
    secret: str  # that jobs accepts; empty where none is configured
    _runs: set[asyncio.Task[jobs_pb2.WarmupJob]] = field(default_factory=set)

    async def page(self, request: Request) -> Response:
        """The whole page."""
        return await self._respond(request)

    async def fragment(self, request: Request) -> Response:
        """The live parts."""
        return self.console.fragment(request, await self._render("fragment", request))

    async def csv(self, request: Request) -> Response:
        """All attempts."""
        wanted = _id(request)

        async def fetch_rows(after: str) -> tuple[list[list[object]], str]:
            page = await self.clients.operations.list_attempts(wanted, limit=CSV_PAGE_SIZE, cursor=after)
            return [attempt_cells(row) for row in page.attempts], page.next_page_token

        return await csv_download(request, f"job-{wanted}-attempts", ATTEMPT_HEADER, fetch_rows)

    async def act(self, request: Request) -> Response:
        """Re-queues, runs or cancels the job, and leads back to its page, which says what was refused."""
        fields = await self.console.site.write_form(request)
        try:
            await self._act(request, fields.get("action", ""), read_reason(fields))
        except WarmcastError as error:
            if error.reason not in (errors.WRONG_STATE, errors.INVALID_ARGUMENT, errors.UNAVAILABLE):
                raise
            return await self._respond(request, error, fields.get("reason", ""))
        return see_other(_path(request))

    async def _act(self, request: Request, action: str, reason: str) -> None:
        wanted, operator = _id(request), self.console.session(request).name
        if action == "requeue":
            await self.clients.jobs.requeue_job(wanted, secret=self.secret, reason=reason, operator=operator)
        elif action == "cancel":
            await self.clients.jobs.cancel_job(wanted, secret=self.secret, reason=reason, operator=operator)
        elif action == "run":
            await self._run(wanted, reason, operator)
        else:
            raise invalid("action", "action must be requeue, run or cancel")

    async def _run(self, wanted: int, reason: str, operator: str) -> None:
        """Starts a run, and waits until it begins or is refused, which takes a minute at most without a free slot.

        The call lasts as long as the run, and continues after the response.
        """
        call = self.clients.operations.run_job(wanted, secret=self.secret, reason=reason, operator=operator)
        run = asyncio.ensure_future(call)
        self._runs.add(run)
        run.add_done_callback(self._forget)
        while not run.done():
            await asyncio.wait([run], timeout=_LOOK_SECONDS)
            if not run.done() and await self._is_running(wanted):
                return
        run.result()

    async def _is_running(self, wanted: int) -> bool:
        with contextlib.suppress(WarmcastError):  # the call says what is wrong
            return (await self.clients.jobs.get_job(wanted)).status == jobs_pb2.JOB_STATUS_RUNNING
        return False

    def _forget(self, run: asyncio.Task[jobs_pb2.WarmupJob]) -> None:
        self._runs.discard(run)
        if not run.cancelled():
            run.exception()  # the job's page shows how the run ended

    async def _respond(self, request: Request, error: WarmcastError | None = None, reason: str = "") -> Response:
        """The page; with an error, what was entered stays."""
        main = await self._render("page", request, error=error, reason=reason, max_reason=MAX_REASON)
        fragment = _addresses(request).fragment(cursor(request.query_params))
        view = View("Jobs", f"Job {_id(request)}", main, fragment, script="job.js")
        return self.console.respond(request, view, error.reason.http_status if error else 200)

    async def _render(self, template: str, request: Request, **values: object) -> Markup:
        after = cursor(request.query_params)
        facts = await fetch(self.clients, _id(request), after)
        return self.console.render(
            f"operations/job/{template}.html",
            request,
            page=job_page(facts, self.links, datetime.now(UTC), first=not after),
            addresses=_addresses(request),
            cursor=after,
            next=facts.attempts.next_page_token,
            path=_path(request),
            **values,
        )


def _id(request: Request) -> int:
    return job_id(request.path_params["id"])


def _path(request: Request) -> str:
    return f"/ops/jobs/{_id(request)}"


def _addresses(request: Request) -> Addresses:
    return Addresses(_path(request), {})
