"""Attempts, statistics, holders, coverage and audit."""

from __future__ import annotations

import json

import pytest
from google.protobuf.message import Message
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import FAILED, HASH, moment

NOON = moment("2026-01-01T12:00:00")
NOON_TEXT = "2026-01-01T12:00:00Z"
KEY = {"slug": "amazon-vs-costco", "timeframe": "12m", "geo": "US"}


async def test_the_attempts_of_a_job(world: World) -> None:
    attempt = pb.Attempt(
        job_id=42,
        lease_id=99,
        attempt=2,
        reason="refresh",
        holder="jobs-1",
        due_at=NOON,
        claimed_at=NOON,
        ended_at=NOON,
        outcome="lease-expired",
        error_reason="cache-unavailable",
        error="no answer",
        engine_version="9",
        debug_id="debug-1",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        adopted=True,
        refused_at=NOON,
    )
    world.reply(ListAttempts=pb.ListAttemptsResponse(attempts=[attempt], next_page_token="next"))
    response = await world.operator.get("/api/jobs/42/attempts?limit=5&cursor=here")
    assert conforming(response, "AttemptList") == {
        "attempts": [
            {
                "jobId": 42,
                "leaseId": 99,
                "attempt": 2,
                "reason": "refresh",
                "holder": "jobs-1",
                "dueAt": NOON_TEXT,
                "claimedAt": NOON_TEXT,
                "endedAt": NOON_TEXT,
                "outcome": "lease-expired",
                "errorReason": "cache-unavailable",
                "error": "no answer",
                "engineVersion": "9",
                "debugId": "debug-1",
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "adopted": True,
                "refusedAt": NOON_TEXT,
            }
        ],
        "nextCursor": "next",
    }
    assert world.jobs.only("ListAttempts").request == pb.ListAttemptsRequest(job_id=42, page_size=5, page_token="here")


async def test_an_attempt_without_an_error_has_nulls(world: World) -> None:
    world.reply(ListAttempts=pb.ListAttemptsResponse(attempts=[pb.Attempt(outcome="ready", claimed_at=NOON)]))
    body = conforming(await world.operator.get("/api/jobs/42/attempts"), "AttemptList")
    (attempt,) = body["attempts"]
    missing = {name for name, value in attempt.items() if value is None}
    assert missing == {
        *("dueAt", "endedAt", "errorReason", "error", "engineVersion", "debugId", "traceId", "refusedAt"),
    }
    assert body["nextCursor"] is None


async def test_the_statistics_of_a_window(world: World) -> None:
    row = pb.GetStatisticsResponse(
        window_hours=168,
        to=NOON,
        bucketed=True,
        bar_seconds=3_600,
        bars=[pb.ThroughputBar(start=NOON, ready=5, retried=1, failed=2, other=3)],
        wait=pb.Percentiles(count=8, p50=0.5, p95=1.5, p99=2.5),
        outcomes=[pb.OutcomeCount(outcome="ready", count=5), pb.OutcomeCount(outcome="failed", error_reason="flat")],
        late_results_refused=4,
        rescues=[pb.CauseCount(cause="lease-expired", count=3)],
        cache_losses=6,
    )
    getattr(row, "from").CopyFrom(moment("2025-12-25T12:00:00"))
    world.reply(GetStatistics=row)
    assert conforming(await world.operator.get("/api/jobs/stats?window=7d"), "Statistics") == {
        "window": "7d",
        "from": "2025-12-25T12:00:00Z",
        "to": NOON_TEXT,
        "bucketed": True,
        "barSeconds": 3_600,
        "bars": [{"start": NOON_TEXT, "ready": 5, "retried": 1, "failed": 2, "other": 3}],
        "wait": {"count": 8, "p50": 0.5, "p95": 1.5, "p99": 2.5},
        "run": {"count": 0, "p50": None, "p95": None, "p99": None},
        "outcomes": [
            {"outcome": "ready", "errorReason": None, "count": 5},
            {"outcome": "failed", "errorReason": "flat", "count": 0},
        ],
        "rescues": [{"cause": "lease-expired", "count": 3}],
        "lateResultsRefused": 4,
        "cacheLosses": 6,
    }
    assert world.jobs.only("GetStatistics").request.window_hours == 168


@pytest.mark.parametrize(("query", "hours"), [("", 1), ("?window=1h", 1), ("?window=6h", 6), ("?window=24h", 24)])
async def test_the_windows(world: World, query: str, hours: int) -> None:
    world.reply(GetStatistics=lambda request: pb.GetStatisticsResponse(window_hours=request.window_hours))
    body = conforming(await world.operator.get(f"/api/jobs/stats{query}"), "Statistics")
    assert body["window"] == f"{hours}h"


async def test_the_holders(world: World) -> None:
    held = pb.HeldJob(
        job_id=42, key=jobs_pb2.ComparisonKey(**KEY), lease_id=99, attempt=1, claimed_at=NOON, lease_seconds=-2.5
    )
    holder = pb.Holder(holder="jobs-1", running=1, oldest_claimed_at=NOON, shortest_lease_seconds=-2.5, jobs=[held])
    world.reply(ListHolders=pb.ListHoldersResponse(holders=[holder]))
    job = {"jobId": 42, **KEY, "leaseId": 99, "attempt": 1, "claimedAt": NOON_TEXT, "leaseSeconds": -2.5}
    assert conforming(await world.operator.get("/api/jobs/holders"), "HolderList") == {
        "holders": [
            {
                "holder": "jobs-1",
                "running": 1,
                "oldestClaimedAt": NOON_TEXT,
                "shortestLeaseSeconds": -2.5,
                "jobs": [job],
            }
        ]
    }


async def test_coverage(world: World) -> None:
    comparison = jobs_pb2.Comparison(
        slug=KEY["slug"], terms=["amazon", "costco"], timeframe="12m", geo="US", data_hash=HASH
    )
    warm = pb.CoveredComparison(
        comparison=comparison,
        state="stale",
        stale_because="age",
        status=FAILED,
        job_id=42,
        last_ready_at=NOON,
        fresh_until=NOON,
        warm_until=NOON,
        demand=2.5,
        last_requested_at=NOON,
    )
    cold = pb.CoveredComparison(comparison=comparison, state="cold")
    world.reply(
        ListCoverage=pb.ListCoverageResponse(comparisons=[warm, cold], next_page_token="next", engine_version="10")
    )
    query = "state=stale&q=amazon&tf=12m&geo=us&requested=true&limit=5&cursor=here"
    body = conforming(await world.operator.get(f"/api/coverage?{query}"), "CoverageList")
    shown = {**KEY, "terms": ["amazon", "costco"], "dataHash": HASH}
    assert body["comparisons"] == [
        {
            **shown,
            "state": "stale",
            "staleBecause": "age",
            "status": "failed",
            "jobId": 42,
            "lastReadyAt": NOON_TEXT,
            "freshUntil": NOON_TEXT,
            "warmUntil": NOON_TEXT,
            "demand": 2.5,
            "lastRequestedAt": NOON_TEXT,
        },
        {
            **shown,
            "state": "cold",
            "demand": 0.0,
            **dict.fromkeys(
                ("staleBecause", "status", "jobId", "lastReadyAt", "freshUntil", "warmUntil", "lastRequestedAt")
            ),
        },
    ]
    assert (body["nextCursor"], body["engineVersion"]) == ("next", "10")
    chosen = pb.CoverageFilter(state="stale", query="amazon", timeframe="12m", geo="US", requested=True)
    assert world.jobs.only("ListCoverage").request == pb.ListCoverageRequest(
        filter=chosen, page_size=5, page_token="here"
    )


async def test_an_empty_geo_is_worldwide_and_a_missing_one_any(world: World) -> None:
    await world.operator.get("/api/coverage?geo=")
    await world.operator.get("/api/coverage")
    worldwide, anywhere = (call.request.filter for call in world.jobs.calls["ListCoverage"])
    assert (worldwide.HasField("geo"), anywhere.HasField("geo")) == (True, False)


async def test_the_summary_of_coverage(world: World) -> None:
    many = pb.CoverageCount(comparisons=10_000, fresh=9_000, stale=900, stale_age=600, stale_snapshot=300, cold=100)
    one = pb.CoverageCount(comparisons=1, cold=1)
    world.reply(
        GetCoverageSummary=pb.GetCoverageSummaryResponse(
            all=many, requested=one, timeframes=[pb.TimeframeCoverage(timeframe="12m", count=one)]
        )
    )
    body = conforming(await world.operator.get("/api/coverage/summary"), "CoverageSummary")
    assert body["all"] == {
        "comparisons": 10_000,
        "fresh": 9_000,
        "stale": 900,
        "cold": 100,
        "capped": True,
        "staleAge": 600,
        "staleEngineVersion": 0,
        "staleSnapshot": 300,
    }
    none_stale = dict.fromkeys(("stale", "staleAge", "staleEngineVersion", "staleSnapshot"), 0)
    shown = {"comparisons": 1, "fresh": 0, **none_stale, "cold": 1, "capped": False}
    assert body["engineVersion"] is None
    assert body["requested"] == body["timeframes"]["12m"] == shown
    assert list(body["timeframes"]) == ["7d", "30d", "3m", "12m", "5y", "all"]


async def test_the_audit(world: World) -> None:
    by_login = pb.OperatorAction(
        id=7,
        at=NOON,
        operator="Zoë",
        action="cancel",
        target=json.dumps({"status": "queued"}),
        reason="an outage",
        count=3,
        request_id="one",
        operation_id=5,
        error="PostgreSQL is busy",
    )
    by_secret = pb.OperatorAction(id=6, at=NOON, operator="secret", action="requeue", target='{"jobId":42}', count=1)
    world.reply(ListActions=pb.ListActionsResponse(actions=[by_login, by_secret], next_page_token="next"))
    body = conforming(await world.operator.get("/api/audit?limit=5&cursor=here"), "ActionList")
    assert body["actions"] == [
        {
            "id": 7,
            "at": NOON_TEXT,
            "operator": "Zoë",
            "action": "cancel",
            "target": {"status": "queued"},
            "reason": "an outage",
            "count": 3,
            "requestId": "one",
            "operationId": 5,
            "error": "PostgreSQL is busy",
        },
        {
            "id": 6,
            "at": NOON_TEXT,
            "operator": "secret",
            "action": "requeue",
            "target": {"jobId": 42},
            "reason": None,
            "count": 1,
            "requestId": None,
            "operationId": None,
            "error": None,
        },
    ]
    assert body["nextCursor"] == "next"
    assert world.jobs.only("ListActions").request == pb.ListActionsRequest(page_size=5, page_token="here")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/jobs/abc/attempts", "id"),
        ("/api/jobs/1/attempts?limit=201", "limit"),
        ("/api/jobs/stats?window=2h", "window"),
        ("/api/coverage?state=warm", "state"),
        ("/api/coverage?tf=2y", "tf"),
        ("/api/coverage?geo=nowhere!", "geo"),
        ("/api/coverage?requested=yes", "requested"),
        ("/api/coverage?q=a&q=b", "q"),
        ("/api/audit?limit=0", "limit"),
    ],
)
async def test_invalid_parameters_are_named(world: World, path: str, name: str) -> None:
    refused(await world.operator.get(path), errors.INVALID_ARGUMENT, name)
    assert not world.jobs.calls


@pytest.mark.parametrize(
    ("path", "rpc"),
    [
        ("/api/jobs/1/attempts", "ListAttempts"),
        ("/api/jobs/stats", "GetStatistics"),
        ("/api/jobs/holders", "ListHolders"),
        ("/api/coverage", "ListCoverage"),
        ("/api/coverage/summary", "GetCoverageSummary"),
        ("/api/audit", "ListActions"),
        ("/api/operations/1", "GetBulkOperation"),
    ],
)
@pytest.mark.parametrize("reason", [errors.NOT_FOUND, errors.UNAVAILABLE])
async def test_the_errors_of_jobs_are_answered(world: World, path: str, rpc: str, reason: errors.Reason) -> None:
    world.reply(**{rpc: WarmcastError(reason, "so it is")})
    problem = refused(await world.operator.get(path), reason)
    assert problem["detail"] == "so it is"


async def test_an_unknown_cursor_is_named(world: World) -> None:
    wrong: Message | WarmcastError = invalid("page_token", "unknown page token")
    world.reply(ListAttempts=wrong, ListCoverage=wrong, ListActions=wrong)
    for path in ("/api/jobs/1/attempts", "/api/coverage", "/api/audit"):
        refused(await world.operator.get(f"{path}?cursor=x"), errors.INVALID_ARGUMENT, "cursor")
