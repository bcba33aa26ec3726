"""The list of jobs, and what is done with the selected ones."""

from __future__ import annotations

import re
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import CANCELLED, FAILED, RUNNING, job
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.operations.actions import send, text_of
from tests.integration.gateway.pages.operations.test_overview import ago


def listed(*rows: Any, token: str = "") -> jobs_pb2.ListJobsResponse:
    return jobs_pb2.ListJobsResponse(jobs=rows, next_page_token=token)


async def show(world: World, path: str = "/ops/jobs", *rows: Any, token: str = "") -> str:
    world.reply(ListJobs=listed(*rows, token=token))
    await log_in(world.client)
    return page(await world.client.get(path))


async def test_a_row_says_what_the_job_is_doing(world: World) -> None:
    row = job(RUNNING)
    row.started_at.CopyFrom(ago(5))
    row.lease_expires_at.CopyFrom(ago(-740))
    row.holder = "jobs-7f3a"
    text = text_of(await show(world, "/ops/jobs", row))
    assert re.search(
        r"42 running amazon-vs-costco 12m Worldwide first-call 1 for \S+ s, lease 12 min left, by jobs-7f3a", text
    )


async def test_the_filter_is_in_the_address_and_in_the_form(world: World) -> None:
    query = "status=failed&slug=costco-vs-amazon&tf=5y&geo=worldwide&reason=refresh&errorReason=cache-unavailable"
    html = await show(world, f"/ops/jobs?{query}&engineVersion=9&olderThan=2h&newerThan=7d", job(FAILED), token="abc")
    request = world.jobs.only("ListJobs").request
    assert request == jobs_pb2.ListJobsRequest(
        status=FAILED,
        slug="amazon-vs-costco",
        timeframe="5y",
        geo="",
        reason="refresh",
        error_reason="cache-unavailable",
        engine_version="9",
        older_than_seconds=7_200,
        newer_than_seconds=604_800,
        page_size=50,
    )
    assert request.HasField("geo")
    assert '<option value="failed" selected>' in html
    assert 'name="olderThan" value="2h"' in html
    following = re.search(r'href="/ops/jobs\?status=failed&amp;([^"]+)" rel="next"', html)
    assert following
    assert "slug=costco-vs-amazon" in following[1]
    assert following[1].endswith("cursor=abc")


async def test_without_a_filter_nothing_is_asked_for(world: World) -> None:
    await show(world, "/ops/jobs?status=&slug=&geo=")
    request = world.jobs.only("ListJobs").request
    assert request == jobs_pb2.ListJobsRequest(page_size=50)
    assert not request.HasField("geo")


@pytest.mark.parametrize("query", ["status=lost", "slug=x", "tf=9y", "geo=1", "olderThan=soon", "slug=" + "x" * 101])
async def test_a_filter_that_cannot_be_read_is_said(world: World, query: str) -> None:
    await log_in(world.client)
    response = await world.client.get(f"/ops/jobs?{query}")
    page(response, 400)
    assert "ListJobs" not in world.jobs.calls


async def test_a_wrong_filter_keeps_the_form(world: World) -> None:
    await log_in(world.client)
    html = page(await world.client.get("/ops/jobs?olderThan=soon&status=failed"), 400)
    assert 'role="alert" id="filter-error">Older than must be an age' in html
    assert 'name="olderThan" value="soon"' in html
    assert html.count('aria-invalid="true"') == 1


async def test_no_job_matches(world: World) -> None:
    assert "No job matches" in await show(world, "/ops/jobs?status=failed")
    assert "No jobs yet" in await show(world)
    assert "No more jobs" in await show(world, "/ops/jobs?cursor=abc")


async def test_an_empty_page_that_is_not_the_last_leads_on(world: World) -> None:
    html = await show(world, "/ops/jobs?geo=NZ", token="further")
    assert "No match so far" in html
    assert 'href="/ops/jobs?geo=NZ&amp;cursor=further"' in html


async def test_texts_of_errors_are_escaped(world: World) -> None:
    row = job(FAILED, last_error="<script>alert(1)</script>")
    row.error_reason = "<b>"
    html = await show(world, "/ops/jobs", row)
    assert "<script>alert" not in html
    assert '<code title="&lt;script&gt;alert(1)&lt;/script&gt;">&lt;b&gt;</code>' in html


async def test_a_csv_has_all_pages_and_no_formulas(world: World) -> None:
    row = job(FAILED, last_error="=HYPERLINK(1)")

    def pages(request: jobs_pb2.ListJobsRequest) -> jobs_pb2.ListJobsResponse:
        assert request.page_size == 200
        return listed(row, token="" if request.page_token else "two")

    world.reply(ListJobs=pages)
    await log_in(world.client)
    response = await world.client.get("/ops/jobs.csv?status=failed")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="jobs.csv"'
    lines = response.text.splitlines()
    assert len(lines) == 3
    assert "'=HYPERLINK(1)" in lines[1]
    assert "2026-01-01T10:00:00.000Z" in lines[1]


async def test_selected_jobs_are_requeued_with_the_reason(world: World) -> None:
    response = await send(
        world,
        "/ops/jobs/selected",
        action="requeue",
        reason="Redis is back",
        back="/ops/jobs?status=failed",
        **{"job-7": "on", "job-9": "on"},
    )
    html = page(response)
    assert response.headers["cache-control"] == "no-store"
    assert "2 jobs re-queued." in html
    assert 'href="/ops/jobs?status=failed">Back' in html
    calls = world.jobs.calls["RequeueJob"]
    assert sorted(call.request.id for call in calls) == [7, 9]
    assert {call.request.reason for call in calls} == {"Redis is back"}
    assert {call.metadata["x-warmcast-operator"] for call in calls} == {"Ada"}


async def test_jobs_that_refuse_are_reported(world: World) -> None:
    async def cancel(request: jobs_pb2.CancelJobRequest) -> Any:
        if request.id == 9:
            return WarmcastError(errors.WRONG_STATE, "the job is ready")
        return jobs_pb2.CancelJobResponse(job=job(CANCELLED))

    world.reply(CancelJob=cancel)
    fields = {f"job-{number}": "on" for number in range(7, 12)}
    html = text_of(page(await send(world, "/ops/jobs/selected", action="cancel", reason="why", **fields)))
    assert "4 jobs cancelled." in html
    assert "1 job not cancelled 9 : The job is ready." in html


async def test_an_outage_ends_the_changes_of_selected_jobs(world: World) -> None:
    silent = WarmcastError(errors.UNAVAILABLE, "PostgreSQL does not respond")

    async def cancel(request: jobs_pb2.CancelJobRequest) -> Any:
        return jobs_pb2.CancelJobResponse(job=job(CANCELLED)) if request.id == 1 else silent

    world.reply(CancelJob=cancel)
    fields = {f"job-{number}": "on" for number in range(1, 51)}
    html = text_of(page(await send(world, "/ops/jobs/selected", action="cancel", reason="why", **fields)))
    assert "1 job cancelled." in html
    assert "49 jobs not cancelled" in html
    assert "2 : PostgreSQL does not respond." in html
    assert "50 : Not tried, because of another one's error: PostgreSQL does not respond." in html
    assert len(world.jobs.calls["CancelJob"]) <= 10, "each may take its whole deadline, and five run at once"


@pytest.mark.parametrize(
    ("error", "status"), [(errors.UNAVAILABLE, 503), (errors.DEADLINE_EXCEEDED, 504), (errors.INVALID_ARGUMENT, 400)]
)
async def test_an_error_of_all_selected_jobs_is_the_answer(world: World, error: errors.Reason, status: int) -> None:
    world.reply(RequeueJob=WarmcastError(error, "jobs says no"))
    fields = {f"job-{number}": "on" for number in range(1, 51)}
    html = page(await send(world, "/ops/jobs/selected", action="requeue", reason="why", **fields), status)
    assert "Jobs says no." in text_of(html)
    assert '<a class="button" href="/ops">Operations</a>' in html
    assert len(world.jobs.calls["RequeueJob"]) <= 10


async def test_a_job_that_is_selected_twice_is_changed_once(world: World) -> None:
    html = page(
        await send(world, "/ops/jobs/selected", action="requeue", reason="why", **{"job-7": "on", "job-07": "on"})
    )
    assert "1 job re-queued." in html
    assert world.jobs.only("RequeueJob").request.id == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "requeue", "reason": "why"},
        {"action": "delete", "reason": "why", "job-7": "on"},
        {"action": "requeue", "reason": " ", "job-7": "on"},
        {"action": "requeue", "reason": "x" * 501, "job-7": "on"},
    ],
)
async def test_a_form_without_jobs_action_or_reason_is_refused(world: World, fields: dict[str, str]) -> None:
    page(await send(world, "/ops/jobs/selected", **fields), 400)
    assert "RequeueJob" not in world.jobs.calls


async def test_the_way_back_stays_in_the_console(world: World) -> None:
    for back in ("//evil.example/ops/", "https://evil.example", "/login"):
        html = page(
            await send(world, "/ops/jobs/selected", action="requeue", reason="why", back=back, **{"job-7": "on"})
        )
        assert 'href="/ops/jobs">Back' in html
