"""Re-queues or cancels the selected jobs of a page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.gateway.pages.operations.frame.console import Console, View
from services.gateway.pages.site import local_path
from services.gateway.upstream.clients import Jobs

MAX_REASON: Final = 500
_AT_ONCE = 5
_SELECTED = re.compile(r"job-([0-9]{1,18})")
_VERBS = {"requeue": "re-queued", "cancel": "cancelled"}
_OF_ONE_JOB = (errors.NOT_FOUND, errors.WRONG_STATE)  # other errors would be the same for each job
Change = Callable[[int], Awaitable[jobs_pb2.WarmupJob]]


@dataclass(frozen=True)
class SelectedJobs:
    """The form below the list."""

    console: Console
    jobs: Jobs
    secret: str  # that jobs accepts; empty where none is configured

    async def act(self, request: Request) -> Response:
        """Changes each selected job, and says which ones it could not change, and why.

        An error that is not of one job, such as an outage, ends it: each further call could take as long to fail. It is
        raised if no job was changed.
        """
        fields = await self.console.site.write_form(request)
        ids = {int(found[1]) for name in fields if (found := _SELECTED.fullmatch(name))}
        if not ids:
            raise invalid("job", "no job is selected; go back and select some")
        action = fields.get("action", "")
        change = self._change(action, request, read_reason(fields))
        refused = dict[int, str]()
        failure: WarmcastError | None = None
        limit = asyncio.Semaphore(_AT_ONCE)

        async def change_one(job_id: int) -> None:
            nonlocal failure
            async with limit:
                if failure is not None:
                    refused[job_id] = f"not tried, because of another one's error: {failure.detail}"
                    return
                try:
                    await change(job_id)
                except WarmcastError as error:
                    refused[job_id] = error.detail
                    if error.reason not in _OF_ONE_JOB:
                        failure = error

        await asyncio.gather(*map(change_one, sorted(ids)))
        if failure is not None and len(refused) == len(ids):
            raise failure
        return self._result(request, action, len(ids) - len(refused), refused, fields.get("back", ""))

    def _change(self, action: str, request: Request, reason: str) -> Change:
        changes = {"requeue": self.jobs.requeue_job, "cancel": self.jobs.cancel_job}
        if action not in changes:
            raise invalid("action", "action must be requeue or cancel")
        operator = self.console.session(request).name
        return partial(changes[action], secret=self.secret, reason=reason, operator=operator)

    def _result(self, request: Request, action: str, done: int, refused: Mapping[int, str], back: str) -> Response:
        main = self.console.render(
            "operations/jobs/acted.html",
            request,
            done=done,
            refused=sorted(refused.items()),
            verb=_VERBS[action],
            back=local_path(back) if back.startswith("/ops/") else "/ops/jobs",
        )
        view = View("Jobs", f"Jobs {_VERBS[action]}", main)
        return self.console.respond(request, view, headers={"cache-control": "no-store"})


def read_reason(fields: Mapping[str, str]) -> str:
    """The reason that a form gives. Raises WarmcastError without one."""
    reason = fields.get("reason", "").strip()
    if not 1 <= len(reason) <= MAX_REASON:
        raise invalid("reason", f"give a reason of 1 to {MAX_REASON} characters; it is kept in the audit")
    return reason
