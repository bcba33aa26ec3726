"""The page of one job, and what operators do with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import (
    FAILED,
    HASH,
    OLDER_HASH,
    QUEUED,
    READY,
    RUNNING,
    job,
    moment,
    warmup,
)
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.operations.actions import send, text_of
from tests.waiting import wait_until_async

TRACE = "0af7651916cd43dd8448eb211c80319c"


def attempt(number: int = 2, outcome: str = "retry", **more: Any) -> operations_pb2.Attempt:
    values: dict[str, Any] = {
        "job_id": 42,
        "lease_id": 90 + number,
        "attempt": number,
        "reason": "first-call",
        "holder": "jobs-7f3a",
        "due_at": moment("2026-01-01T10:00:00"),
        "claimed_at": moment("2026-01-01T10:00:01"),
        "ended_at": moment("2026-01-01T10:00:01.25"),
        "outcome": outcome,
        "error_reason": "cache-unavailable",
        "error": "Redis refuses writes",
        "engine_version": "9",
        "debug_id": f"debug-{number}",
        "trace_id": TRACE,
        **more,
    }
    return operations_pb2.Attempt(**values)


def key(name: str, ttl: int | None = None, size: int = 0) -> forecaster_pb2.InspectedKey:
    return forecaster_pb2.InspectedKey(name=name, exists=size > 0, ttl_seconds=ttl, size_bytes=size)


def keys() -> forecaster_pb2.InspectKeysResponse:
    a = forecaster_pb2.InspectedBundle(key=key("forecast:amazon", 3_600, 51_200), intact=True)
    b = forecaster_pb2.InspectedBundle(key=key("forecast:costco", 60, 10), defect="its checksum differs")
    pair = forecaster_pb2.InspectedBundles(engine_version="9", term_a=a, term_b=b)
    mark = forecaster_pb2.InspectedMark(key=key("lock:amazon"), name="lock")
    return forecaster_pb2.InspectKeysResponse(bundles=[pair], marks=[mark], engine_version="9")


def replies(row: Any, *attempts: Any, token: str = "", **of_warmup: Any) -> dict[str, Any]:
    return {
        "GetJob": jobs_pb2.GetJobResponse(job=row),
        "ListAttempts": operations_pb2.ListAttemptsResponse(attempts=attempts, next_page_token=token),
        "GetWarmup": warmup(row, **of_warmup),
        "InspectKeys": keys(),
    }


async def show(world: World, row: Any, *attempts: Any, path: str = "/ops/jobs/42", **more: Any) -> str:
    world.reply(**replies(row, *attempts, **more))
    await log_in(world.client)
    return page(await world.client.get(path))


async def test_facts_times_and_the_comparison(world: World) -> None:
    html = await show(world, job(READY))
    text = text_of(html)
    assert "<h1>Job 42</h1>" in html
    assert 'href="/compare/amazon-vs-costco?tf=12m"' in html
    assert 'href="/ops/jobs?slug=amazon-vs-costco&amp;tf=12m&amp;geo=worldwide"' in html
    assert "Episode begun by the first call" in text
    assert "Attempts 1 in this episode, 0 rescues in all" in text
    assert f"Snapshot {HASH}" in text
    assert "Created 2026-01-01 10:00:00" in text
    assert "not the current snapshot" not in text


async def test_every_attempt_is_a_row_and_on_the_line(world: World) -> None:
    late = attempt(
        1, "lease-expired", refused_at=moment("2026-01-01T10:00:20"), adopted=True, error_reason="", error=""
    )
    html = await show(world, job(FAILED), attempt(), late, attempt(3, "failed"))
    text = text_of(html)
    assert "retry cache-unavailable Redis refuses writes" in text
    assert "lease-expired adopted earlier bundles late result refused 2026-01-01 10:00:20 UTC" in text
    assert "2026-01-01 10:00:01 2026-01-01 10:00:01 1 s 0.25 s jobs-7f3a lease 92" in text
    line = html[html.index('id="attempts-wide"') :].partition("</svg>")[0]
    assert "Attempt 1: lease-expired, waited 1 s, ran 0.25 s, its late result was refused" in line
    assert "Attempt 2: retry" in line
    assert "Attempt 3" not in line  # of the episode before


async def test_an_attempt_that_was_handed_back_is_of_the_same_episode(world: World) -> None:
    html = await show(world, job(READY), attempt(1, "ready"), attempt(1, "handed-back"), attempt(1, "ready"))
    line = html[html.index('id="attempts-wide"') :].partition("</svg>")[0]
    assert line.count('class="attempt"') == 2
    assert "Attempt 1: handed-back" in line


async def test_a_job_without_attempts(world: World) -> None:
    html = await show(world, job(QUEUED))
    assert "None yet." in html
    assert "attempts-wide" not in html


async def test_the_next_try_and_why(world: World) -> None:
    html = await show(world, job(QUEUED), queue_position=2, eta_seconds=1.5)
    assert "Next try: As soon as a runner is free. It is 2nd in line, about 1.5 s." in text_of(html)


async def test_a_job_of_older_data_has_no_next_try(world: World) -> None:
    row = job(READY)
    row.data_hash = OLDER_HASH
    text = text_of(await show(world, row))
    assert "not the current snapshot" in text
    assert "None: the comparison has newer data" in text
    assert world.forecaster.only("InspectKeys").request.key.data_hash == OLDER_HASH


async def test_keys_with_their_ttl(world: World) -> None:
    text = text_of(await show(world, job(READY)))
    assert "forecast:amazon forecast of term A, engine 9 intact in 60 min 51,200 B" in text
    assert "forecast:costco forecast of term B, engine 9 its checksum differs in 60 s 10 B" in text
    assert "lock:amazon lock absent" in text


async def test_the_page_stands_while_the_forecaster_is_away(world: World) -> None:
    world.reply(**replies(job(READY), attempt()))
    world.reply(InspectKeys=WarmcastError(errors.UNAVAILABLE, "Redis is away"))
    await log_in(world.client)
    assert "Unknown: Redis is away." in page(await world.client.get("/ops/jobs/42"))


async def test_ids_are_links_by_the_templates(open_world: OpenWorld) -> None:
    templates = {
        "log_url_template": "https://logs.example/?q={debugId}&from={from}&to={to}",
        "trace_url_template": "https://traces.example/{traceId}",
    }
    async with open_world(**templates) as world:
        world.reply(**replies(job(FAILED, debug_id="debug-2"), attempt()))
        await log_in(world.client)
        html = (await world.client.get("/ops/jobs/42")).text
        logs = (
            "https://logs.example/?q=debug-2&amp;from=2026-01-01T09%3A59%3A01.000Z&amp;to=2026-01-01T10%3A01%3A01.250Z"
        )
        assert f'href="{logs}" rel="noreferrer"' in html
        assert html.count(f'href="https://traces.example/{TRACE}"') == 2


async def test_without_templates_ids_can_be_copied(world: World) -> None:
    html = await show(world, job(FAILED, debug_id="debug-2"), attempt())
    assert 'data-copy="debug-2"' in html
    assert f'data-copy="{TRACE}"' in html


async def test_attempts_have_pages_and_a_csv(world: World) -> None:
    html = await show(world, job(READY), attempt(), token="next")
    assert 'href="/ops/jobs/42?cursor=next"' in html
    response = await world.client.get("/ops/jobs/42?cursor=next")
    assert world.jobs.calls["ListAttempts"][-1].request.page_token == "next"
    assert "Newest attempts" in page(response)
    world.reply(ListAttempts=operations_pb2.ListAttemptsResponse(attempts=[attempt(error="=1+1")]))
    csv = await world.client.get("/ops/jobs/42/attempts.csv")
    assert 'filename="job-42-attempts.csv"' in csv.headers["content-disposition"]
    assert ",'=1+1,2026-01-01T10:00:00.000Z," in csv.text


@pytest.mark.parametrize(
    ("row", "actions"),
    [
        (job(QUEUED), ["requeue", "run", "cancel"]),
        (job(RUNNING), ["cancel"]),
        (job(READY), ["requeue", "run"]),
        (job(FAILED), ["requeue", "run"]),
    ],
)
async def test_its_state_decides_what_is_offered(world: World, row: Any, actions: list[str]) -> None:
    html = await show(world, row)
    assert [name for name in ("requeue", "run", "cancel") if f'value="{name}"' in html] == actions


@pytest.mark.parametrize(("action", "method"), [("requeue", "RequeueJob"), ("cancel", "CancelJob"), ("run", "RunJob")])
async def test_an_action_is_called_with_its_reason(world: World, action: str, method: str) -> None:
    response = await send(world, "/ops/jobs/42", action=action, reason="a customer waits")
    assert (response.status_code, response.headers["location"]) == (303, "/ops/jobs/42")
    call = world.jobs.only(method)
    assert (call.request.id, call.request.reason) == (42, "a customer waits")
    assert call.metadata["x-warmcast-operator"] == "Ada"


async def test_a_refused_action_is_said_on_the_page(world: World) -> None:
    world.reply(**replies(job(RUNNING)))
    world.reply(RunJob=WarmcastError(errors.WRONG_STATE, "the job is running"))
    html = page(await send(world, "/ops/jobs/42", action="run", reason="why"), 409)
    assert '<p class="failure" role="alert">The job is running.</p>' in html


@pytest.mark.parametrize("fields", [{"action": "run"}, {"action": "delete", "reason": "why"}])
async def test_an_action_needs_a_name_and_a_reason(world: World, fields: dict[str, str]) -> None:
    world.reply(**replies(job(READY)))
    page(await send(world, "/ops/jobs/42", **fields), 400)
    assert "RunJob" not in world.jobs.calls


async def test_a_run_that_has_begun_does_not_hold_the_response(world: World) -> None:
    ended = asyncio.Event()

    async def run(_request: Any) -> operations_pb2.RunJobResponse:
        world.reply(**replies(job(RUNNING)))
        await ended.wait()
        return operations_pb2.RunJobResponse(job=job(READY))

    world.reply(**replies(job(QUEUED)), RunJob=run)
    response = await send(world, "/ops/jobs/42", action="run", reason="why")
    assert response.status_code == 303
    ended.set()


async def test_a_run_that_is_refused_late_is_said_on_the_page(world: World) -> None:
    looks = 0

    def look(_request: Any) -> jobs_pb2.GetJobResponse:
        nonlocal looks
        looks += 1
        return jobs_pb2.GetJobResponse(job=job(QUEUED))

    async def looked_often() -> bool:
        return looks > 2

    async def run(_request: Any) -> WarmcastError:
        await wait_until_async(looked_often, 30, "looks whether the run has begun")
        return WarmcastError(errors.UNAVAILABLE, "all slots are busy; nothing was claimed", retry_after=5)

    world.reply(**{**replies(job(QUEUED)), "GetJob": look, "RunJob": run})
    html = page(await send(world, "/ops/jobs/42", action="run", reason="a customer waits"), 503)
    assert '<p class="failure" role="alert">All slots are busy; nothing was claimed.</p>' in html
    assert 'value="a customer waits"' in html, "the reason need not be entered again"


async def test_an_unknown_job_is_not_found(world: World) -> None:
    world.reply(GetJob=WarmcastError(errors.NOT_FOUND, "no job 42"))
    await log_in(world.client)
    html = page(await world.client.get("/ops/jobs/42"), 404)
    assert "No job 42." in html
    assert '<a class="button" href="/ops">Operations</a>' in html
    page(await world.client.get("/ops/jobs/x"), 400)
