"""Bulk operations: dry run, confirmation, progress, abort."""

from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import FAILED, job
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.operations.actions import send, text_of
from tests.integration.gateway.pages.operations.test_overview import ago


def operation(state: str = "prepared", **more: Any) -> operations_pb2.BulkOperation:
    values: dict[str, Any] = {
        "id": 3,
        "action": operations_pb2.BULK_ACTION_REQUEUE,
        "filter": '{"status": "failed", "geo": ""}',
        "state": state,
        "matched": 1_234,
        "operator": "Ada",
        "created_at": ago(60),
        **more,
    }
    return operations_pb2.BulkOperation(**values)


def shown(state: str, **more: Any) -> operations_pb2.GetBulkOperationResponse:
    return operations_pb2.GetBulkOperationResponse(operation=operation(state, **more))


async def test_a_dry_run_shows_count_and_sample(world: World) -> None:
    world.reply(
        PrepareBulkOperation=operations_pb2.PrepareBulkOperationResponse(operation=operation(), sample=[job(FAILED)])
    )
    response = await send(world, "/ops/bulk", action="requeue", status="failed", geo="worldwide", olderThan="2h")
    assert response.headers["cache-control"] == "no-store"
    html = page(response)
    text = text_of(html)
    assert "Dry run: 1,234 jobs match Nothing has changed yet." in text
    assert "Filter status failed, geo worldwide" in text
    assert "The first 1" in text
    assert "42: amazon-vs-costco 12m Worldwide failed" in text
    assert 'action="/ops/bulk/3/confirm"' in html
    assert 'href="/ops/jobs?status=failed&amp;geo=worldwide">Back to the list</a>' in html
    call = world.jobs.only("PrepareBulkOperation")
    wanted = operations_pb2.JobFilter(status=FAILED, geo="", older_than_seconds=7_200)
    assert call.request == operations_pb2.PrepareBulkOperationRequest(
        action=operations_pb2.BULK_ACTION_REQUEUE, jobs=wanted
    )
    assert call.metadata["x-warmcast-operator"] == "Ada"
    assert "ConfirmBulkOperation" not in world.jobs.calls


async def test_warming_takes_the_filter_of_comparisons(world: World) -> None:
    row = operation(action=operations_pb2.BULK_ACTION_WARM, matched=1)
    world.reply(PrepareBulkOperation=operations_pb2.PrepareBulkOperationResponse(operation=row))
    html = page(await send(world, "/ops/bulk", action="warm", state="cold", requested="true"))
    assert "<h1>Warm 1 comparison</h1>" in html
    assert 'href="/ops/comparisons" aria-current="page"' in html
    wanted = operations_pb2.CoverageFilter(state="cold", requested=True)
    assert world.jobs.only("PrepareBulkOperation").request.comparisons == wanted


async def test_a_dry_run_without_matches_offers_nothing(world: World) -> None:
    row = operation(matched=0)
    world.reply(PrepareBulkOperation=operations_pb2.PrepareBulkOperationResponse(operation=row))
    html = page(await send(world, "/ops/bulk", action="cancel"))
    assert "There is nothing to do." in html
    assert "/confirm" not in html


@pytest.mark.parametrize("fields", [{"action": "delete"}, {}, {"action": "requeue", "status": "lost"}])
async def test_a_dry_run_of_something_else_is_refused(world: World, fields: dict[str, str]) -> None:
    page(await send(world, "/ops/bulk", **fields), 400)
    assert "PrepareBulkOperation" not in world.jobs.calls


async def test_too_many_matches_are_an_error(world: World) -> None:
    world.reply(PrepareBulkOperation=WarmcastError(errors.TOO_LARGE, "more than 100,000 jobs match"))
    assert "More than 100,000 jobs match." in page(await send(world, "/ops/bulk", action="requeue"), 413)


async def test_it_is_confirmed_with_a_reason(world: World) -> None:
    world.reply(ConfirmBulkOperation=operations_pb2.ConfirmBulkOperationResponse(operation=operation("running")))
    response = await send(world, "/ops/bulk/3/confirm", reason="Redis is back")
    assert (response.status_code, response.headers["location"]) == (303, "/ops/bulk/3")
    call = world.jobs.only("ConfirmBulkOperation")
    assert (call.request.id, call.request.reason) == (3, "Redis is back")
    assert call.metadata["x-warmcast-operator"] == "Ada"


async def test_without_a_reason_it_does_not_start(world: World) -> None:
    page(await send(world, "/ops/bulk/3/confirm", reason=""), 400)
    assert "ConfirmBulkOperation" not in world.jobs.calls


async def test_progress_reloads_without_scripts_and_can_be_aborted(world: World) -> None:
    world.reply(GetBulkOperation=shown("running", done=500, skipped=34, reason="Redis is back", started_at=ago(5)))
    await log_in(world.client)
    html = page(await world.client.get("/ops/bulk/3"))
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in html
    assert 'data-fragment="/ops/bulk/3/fragment"' in html
    assert '<progress max="1234" value="534"' in html
    text = text_of(html)
    assert "500 re-queued, 34 skipped because they had changed, 700 to go." in text
    assert "Redis is back" in text
    fragment = await world.client.get("/ops/bulk/3/fragment")
    assert "data-settled" not in fragment.text
    response = await send(world, "/ops/bulk/3/abort")
    assert response.headers["location"] == "/ops/bulk/3"
    assert world.jobs.only("AbortBulkOperation").request.id == 3


async def test_an_abort_that_comes_too_late_leads_to_what_was_done(world: World) -> None:
    world.reply(AbortBulkOperation=WarmcastError(errors.WRONG_STATE, "bulk operation 3 is done"))
    response = await send(world, "/ops/bulk/3/abort")
    assert (response.status_code, response.headers["location"]) == (303, "/ops/bulk/3")
    world.reply(AbortBulkOperation=WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable"))
    assert (await send(world, "/ops/bulk/3/abort")).status_code == 503


@pytest.mark.parametrize("state", ["done", "aborted", "failed"])
async def test_an_end_is_final(world: World, state: str) -> None:
    world.reply(GetBulkOperation=shown(state, done=500, ended_at=ago(1)))
    await log_in(world.client)
    html = page(await world.client.get("/ops/bulk/3"))
    assert "data-settled" in html
    assert "/abort" not in html
    assert "http-equiv" not in html
    assert "734 left as they were." in text_of(html)


@pytest.mark.parametrize(
    ("state", "said", "settled"),
    [
        ("running", "The last batch failed, and is tried again: PostgreSQL is busy", False),
        ("failed", "The last batch failed: PostgreSQL is busy", True),
    ],
)
async def test_a_batch_that_failed_says_why(world: World, state: str, said: str, settled: bool) -> None:
    world.reply(GetBulkOperation=shown(state, done=500, error="PostgreSQL is busy"))
    await log_in(world.client)
    html = page(await world.client.get("/ops/bulk/3"))
    assert said in text_of(html)
    assert ("data-settled" in html, "/abort" in html) == (settled, not settled)


async def test_a_prepared_one_can_be_confirmed_later(world: World) -> None:
    world.reply(GetBulkOperation=shown("prepared", filter="{}"))
    await log_in(world.client)
    html = page(await world.client.get("/ops/bulk/3"))
    assert 'action="/ops/bulk/3/confirm"' in html
    assert "Filter all jobs" in text_of(html)


async def test_an_expired_one_is_not_found(world: World) -> None:
    world.reply(GetBulkOperation=WarmcastError(errors.NOT_FOUND, "no operation 3; it may have expired"))
    await log_in(world.client)
    assert "it may have expired" in page(await world.client.get("/ops/bulk/3"), 404)
    page(await world.client.get("/ops/bulk/x"), 400)


async def test_jobs_offer_both_for_their_filter(world: World) -> None:
    world.reply(ListJobs=jobs_pb2.ListJobsResponse(jobs=[job(FAILED)]))
    await log_in(world.client)
    html = page(await world.client.get("/ops/jobs?status=failed"))
    form = html[html.index('action="/ops/bulk"') :].partition("</form>")[0]
    assert '<input type="hidden" name="status" value="failed">' in form
    assert 'value="requeue"' in form
    assert 'value="cancel"' in form
