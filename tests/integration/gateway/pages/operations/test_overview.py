"""The overview: what it shows of jobs' answers, and what it says while something is away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import FAILED, READY, RUNNING, moment
from tests.integration.gateway.pages.browser import log_in, page


def ago(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) - timedelta(seconds=seconds))
    return stamp


def status(**more: Any) -> jobs_pb2.GetStatusResponse:
    """A queue that works."""
    counts = ((READY, 10_000), (FAILED, 3), (RUNNING, 2))
    values: dict[str, Any] = {
        "counts": [jobs_pb2.StatusCount(status=each, count=count) for each, count in counts],
        "forecaster_available": True,
        "dispatcher_enabled": True,
        "due": 7,
        "not_due": 5,
        "oldest_due_seconds": 0.9,
        "oldest_running_seconds": 0.25,
        "database_seconds": 0.0012,
        "replicas": [replica()],
        **more,
    }
    return jobs_pb2.GetStatusResponse(**values)


def replica(cache_state: str = "writable", cause: str = "") -> jobs_pb2.ForecasterReplica:
    return jobs_pb2.ForecasterReplica(
        address="10.0.0.7:50052",
        engine_version="9",
        worker_slots=6,
        busy_slots=4,
        cause=cause,
        cache_state=cache_state,
    )


def statistics(**more: Any) -> operations_pb2.GetStatisticsResponse:
    """One hour with two bars."""
    values: dict[str, Any] = {
        "window_hours": 1,
        "bar_seconds": 60,
        "bars": [
            operations_pb2.ThroughputBar(start=moment("2026-11-30T14:05:00"), ready=12, retried=3),
            operations_pb2.ThroughputBar(start=moment("2026-11-30T14:06:00"), failed=1),
        ],
        "wait": operations_pb2.Percentiles(count=16, p50=0.01, p95=0.041, p99=1.5),
        "run": operations_pb2.Percentiles(count=0),
        "outcomes": [operations_pb2.OutcomeCount(outcome="retry", error_reason="cache-unavailable", count=3)],
        "rescues": [operations_pb2.CauseCount(cause="lease-expired", count=2)],
        "late_results_refused": 1,
        **more,
    }
    return operations_pb2.GetStatisticsResponse(**values)


def ran(schedule: str, seconds: float, *, succeeded: bool = True, detail: str = "") -> operations_pb2.ScheduleRun:
    started = ago(seconds)
    return operations_pb2.ScheduleRun(
        schedule=schedule,
        started_at=started,
        ended_at=Timestamp(seconds=started.seconds + 1, nanos=started.nanos),
        succeeded=succeeded,
        count=4,
        detail=detail,
    )


async def overview(world: World, path: str = "/ops", **replies: Any) -> str:
    """The page, as text without tags."""
    world.reply(GetStatus=status(), GetStatistics=statistics())
    world.reply(**replies)
    await log_in(world.client)
    return text(page(await world.client.get(path)))


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def test_depth_and_ages(world: World) -> None:
    html = await overview(world)
    for words in ("Due 7 and 5 not due yet", "Oldest due 0.9 s", "Running 2 the oldest for 0.25 s"):
        assert words in html
    assert "Settled in 24 h 10,000+ 10,000+ ready , 3 failed , 0 cancelled" in html


async def test_counts_lead_to_their_jobs(world: World) -> None:
    world.reply(GetStatus=status(), GetStatistics=statistics())
    await log_in(world.client)
    html = page(await world.client.get("/ops"))
    assert re.findall(r'href="/ops/jobs\?(\w+=[\w-]+)"', html) == [
        *("status=queued", "status=running", "status=ready", "status=failed", "status=cancelled"),
        "errorReason=cache-unavailable",
    ]


async def test_percentiles_of_the_window(world: World) -> None:
    html = await overview(world)
    assert "Wait p95 41 ms p50 10 ms, p99 1.5 s, 16 measured" in html
    assert "Run p95 none nothing was measured" in html
    assert "Rescued 2 lease expired 2" in html
    assert "Late results refused 1" in html
    assert "within 5 %" not in html


async def test_a_longer_window_says_that_it_is_bucketed(world: World) -> None:
    html = await overview(world, "/ops?window=7d", GetStatistics=statistics(bucketed=True, window_hours=168))
    assert "Percentiles are from histograms, within 5 %." in html
    assert world.jobs.only("GetStatistics").request.window_hours == 168


async def test_a_window_that_is_not_offered_is_refused(world: World) -> None:
    await log_in(world.client)
    page(await world.client.get("/ops?window=2h"), 400)


async def test_bars_have_text_and_a_table(world: World) -> None:
    world.reply(GetStatus=status(), GetStatistics=statistics())
    await log_in(world.client)
    html = page(await world.client.get("/ops"))
    assert html.count('data-bar="14:05: 12 ready, 3 retried"') == 3  # one in each size
    assert '<th scope="row">14:05</th><td>12</td><td>3</td>' in html
    assert "Outcomes by reason" in html


async def test_an_hour_without_attempts_has_no_chart(world: World) -> None:
    empty = operations_pb2.ThroughputBar(start=moment("2026-11-30T14:05:00"))
    html = await overview(world, GetStatistics=statistics(bars=[empty, empty], outcomes=[]))
    assert html.count("No attempt ended in this window.") == 2, "where the bars and the outcomes are otherwise"
    assert "As a table" not in html


async def test_holders_and_their_leases(world: World) -> None:
    held = operations_pb2.HeldJob(
        job_id=42,
        key=jobs_pb2.ComparisonKey(slug="amazon-vs-costco", timeframe="12m"),
        attempt=2,
        lease_seconds=-3,
    )
    holder = operations_pb2.Holder(
        holder="jobs-7f3a", running=10_000, shortest_lease_seconds=-3, oldest_claimed_at=ago(5), jobs=[held]
    )
    html = await overview(world, ListHolders=operations_pb2.ListHoldersResponse(holders=[holder]))
    assert "jobs-7f3a : 10,000+ running, shortest lease expired 3 s ago" in html
    assert "42 amazon-vs-costco 12m Worldwide, attempt 2, expired 3 s ago" in html


async def test_forecasters_stores_and_schedules(world: World) -> None:
    runs = operations_pb2.ListScheduleRunsResponse(runs=[ran("sweep", 600), ran("refresh", 720, detail="2 skipped")])
    html = await overview(world, ListScheduleRuns=runs)
    assert "10.0.0.7:50052 engine 9 4 of 6 slots busy, cache writable" in html
    assert "PostgreSQL answers in 1.2 ms" in html
    assert re.search(r"sweep 4 re-queued in 1 s \d{4}-\d\d-\d\d \d\d:\d\d:\d\d , 10 min ago", html)
    assert re.search(r"refresh 4 enqueued in 1 s [-0-9: ]+, 12 min ago 2 skipped", html)
    assert "retention no run recorded" in html


async def test_a_read_only_database_is_no_healthy_store(world: World) -> None:
    html = await overview(world, GetStatus=status(database_read_only=True))
    assert "PostgreSQL read-only, answers in 1.2 ms" in html
    assert "no warnings" not in html


async def test_a_forecaster_that_did_not_answer_has_no_figures(world: World) -> None:
    away = jobs_pb2.ForecasterReplica(address="10.0.0.7:50052", cause="could not answer", cache_state="unknown")
    html = await overview(world, GetStatus=status(replicas=[away]))
    assert "10.0.0.7:50052 cache unknown could not answer" in html
    assert "Redis unknown Last run" in html
    html = await overview(world, GetStatus=status(replicas=[away, replica()]))
    assert "Redis writable, as the forecasters say" in html


async def test_nothing_is_wrong(world: World) -> None:
    runs = operations_pb2.ListScheduleRunsResponse(runs=[ran("sweep", 60)])
    html = await overview(world, ListScheduleRuns=runs)
    assert "Runbook" not in html
    assert "no warnings" in html


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            status(
                forecaster_available=False,
                forecaster_cause="out-of-memory",
                replicas=[replica("refuses-writes", "out-of-memory")],
            ),
            "The cache refuses writes: out-of-memory. 7 due jobs wait, and lose nothing. Runbook",
        ),
        (
            status(forecaster_available=False, replicas=[], due=1),
            "No forecaster accepts runs. 1 due job waits, and loses nothing. Runbook",
        ),
        (status(forecaster_available=False, replicas=[], due=0), "No forecaster accepts runs. No job is due. Runbook"),
        (
            status(forecaster_available=False, replicas=[replica("unavailable")]),
            "The cache is away",
        ),
        (status(forecaster_available=False, replicas=[]), "No forecaster accepts runs."),
        (status(forecaster_cause="one is full"), "Not all forecasters accept runs: one is full."),
        (status(dispatcher_enabled=False), "No runner."),
        (
            status(database_read_only=True),
            "PostgreSQL is read-only. Nothing is enqueued, claimed or recorded. DATABASE_URL must name the primary.",
        ),
        (status(oldest_due_seconds=900), "A job has been due for 15 min. 7 jobs are due."),
        (status(oldest_due_seconds=900, due=1), "A job has been due for 15 min. 1 job is due."),
        (
            WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable"),
            "PostgreSQL is unavailable. Jobs is away, or PostgreSQL is. Below is what is known without it.",
        ),
    ],
)
async def test_what_is_wrong_leads_to_the_runbook(world: World, reply: Any, words: str) -> None:
    assert words in await overview(world, GetStatus=reply)
    html = page(await world.client.get("/ops"))
    sections = re.findall(r'href="/ops/runbook#([a-z]+)"', html)
    runbook = page(await world.client.get("/ops/runbook"))
    assert sections
    assert all(f'<h2 id="{section}">' in runbook for section in sections)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (ran("sweep", 100_000), "sweep has not run for 28 h. It is expected within 30 min."),
        (ran("refresh", 60, succeeded=False, detail="timed out"), "The last refresh failed. Timed out."),
    ],
)
async def test_schedules_that_stopped_or_failed(world: World, run: operations_pb2.ScheduleRun, words: str) -> None:
    assert words in await overview(world, ListScheduleRuns=operations_pb2.ListScheduleRunsResponse(runs=[run]))


@pytest.mark.parametrize("dispatched", [True, False])
@pytest.mark.parametrize(
    ("run", "words"),
    [
        (ran("run-warmup", 100_000), "run-warmup has not run"),
        (ran("run-warmup", 60, succeeded=False), "The last run-warmup failed."),
    ],
)
async def test_beside_a_dispatcher_run_warmup_need_not_run(
    world: World, run: operations_pb2.ScheduleRun, words: str, dispatched: bool
) -> None:
    runs = operations_pb2.ListScheduleRunsResponse(runs=[run])
    html = await overview(world, GetStatus=status(dispatcher_enabled=dispatched), ListScheduleRuns=runs)
    assert (words in html) is not dispatched


async def test_a_runner_may_be_the_schedule(world: World) -> None:
    runs = operations_pb2.ListScheduleRunsResponse(runs=[ran("run-warmup", 60)])
    html = await overview(world, GetStatus=status(dispatcher_enabled=False), ListScheduleRuns=runs)
    assert "No runner" not in html


async def test_the_page_stands_while_jobs_is_away(world: World) -> None:
    away = WarmcastError(errors.UNAVAILABLE, "jobs is away")
    html = await overview(world, GetStatus=away, GetStatistics=away, ListHolders=away, ListScheduleRuns=away)
    assert html.count("Jobs is away.") == 1
    assert html.count("Unknown: jobs did not answer.") == 7


async def test_the_fragment_is_the_live_part(world: World) -> None:
    await overview(world)
    response = await world.client.get("/ops/fragment?window=6h", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "no-store"
    assert "<html" not in response.text
    assert "Last 6 hours" in response.text
