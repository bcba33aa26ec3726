"""The operator's routes: warmups, runs, sweeps and jobs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import SecretStr
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import SECRET, OpenWorld, World
from tests.integration.gateway.data import FAILED, QUEUED, READY, job, moment

READ_SECRET, READ_SECRET_BEFORE = "the secret to read", "the secret to read before"
WITH_READ_SECRETS = {
    "operator_read_secret": SecretStr(READ_SECRET),
    "operator_read_secret_previous": SecretStr(READ_SECRET_BEFORE),
}
GUARDED = [
    ("POST", "/api/comparisons"),
    ("PUT", "/api/comparisons/a-vs-b"),
    ("POST", "/api/comparison/warmup"),
    ("POST", "/api/jobs/run-warmup"),
    ("POST", "/api/jobs/sweep"),
    ("GET", "/api/jobs"),
    ("GET", "/api/jobs/1"),
    ("POST", "/api/jobs/1/requeue"),
    ("POST", "/api/jobs/1/cancel"),
    ("GET", "/api/jobs/1/attempts"),
    ("POST", "/api/jobs/1/run"),
    ("POST", "/api/jobs/cancel"),
    ("POST", "/api/jobs/requeue"),
    ("GET", "/api/jobs/stats"),
    ("GET", "/api/jobs/holders"),
    ("GET", "/api/operations/1"),
    ("POST", "/api/operations/1/confirm"),
    ("POST", "/api/operations/1/abort"),
    ("GET", "/api/coverage"),
    ("GET", "/api/coverage/summary"),
    ("POST", "/api/coverage/warm"),
    ("GET", "/api/track-record"),
    ("GET", "/api/schedules"),
    ("GET", "/api/audit"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("given", [None, "", "wrong", SECRET + "x", SECRET[:-1]])
async def test_without_the_secret_nothing_is_validated(world: World, method: str, path: str, given: str | None) -> None:
    headers = {} if given is None else {"X-Warmup-Secret": given}
    response = await world.client.request(method, path + "?limit=x&max=x", headers=headers, content=b"\xff")
    refused(response, errors.UNAUTHENTICATED)
    assert "www-authenticate" in response.headers
    assert SECRET not in response.text
    assert not world.jobs.calls


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_a_server_without_a_secret_answers_503(open_world: OpenWorld, method: str, path: str) -> None:
    async with open_world(warmup_secret=None, warmup_secret_previous=None) as world:
        response = await world.operator.request(method, path)
        refused(response, errors.SECRET_NOT_CONFIGURED)
        assert "retry-after" in response.headers
        assert not world.jobs.calls


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("secret", [READ_SECRET, READ_SECRET_BEFORE])
async def test_the_read_secret_opens_what_only_reads(
    open_world: OpenWorld, method: str, path: str, secret: str
) -> None:
    async with open_world(**WITH_READ_SECRETS) as world:
        response = await world.client.request(method, path, headers={"X-Warmup-Secret": secret}, content=b"\xff")
        if method == "GET":
            assert response.status_code == 200
            calls = [call for each in world.jobs.calls.values() for call in each]
            assert calls
            assert all("x-warmup-secret" not in call.metadata for call in calls)
        else:
            problem = refused(response, errors.FORBIDDEN)
            assert "send the warmup secret" in problem["detail"]
            assert not world.jobs.calls
        assert secret not in response.text


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_with_a_read_secret_others_are_refused_still(open_world: OpenWorld, method: str, path: str) -> None:
    async with open_world(**WITH_READ_SECRETS) as world:
        for secret in ("", READ_SECRET[:-1], READ_SECRET + "x"):
            response = await world.client.request(method, path, headers={"X-Warmup-Secret": secret})
            refused(response, errors.UNAUTHENTICATED)
        assert not world.jobs.calls


async def test_the_read_secret_has_no_rate_limit(open_world: OpenWorld) -> None:
    async with open_world(**WITH_READ_SECRETS, anonymous_rate="1/60") as world:
        for _ in range(3):
            response = await world.client.get("/api/jobs", headers={"X-Warmup-Secret": READ_SECRET})
            assert response.status_code == 200


async def test_both_secrets_are_accepted_during_a_rotation(open_world: OpenWorld) -> None:
    async with open_world(warmup_secret_previous=SecretStr("the secret before")) as world:
        for secret in (SECRET, "the secret before"):
            response = await world.client.post("/api/jobs/sweep", headers={"X-Warmup-Secret": secret})
            conforming(response, "Sweep")
            assert world.jobs.calls["Sweep"][-1].metadata["x-warmup-secret"] == secret


async def test_liveness_follows_the_background_loops(world: World) -> None:
    assert (await world.client.get("/healthz")).json() == {"status": "ok"}
    hung = asyncio.Event()
    world.components.background.start("hangs", hung.wait, bound=0)  # type: ignore[arg-type] # the result is unused
    try:
        response = await world.client.get("/healthz")
        refused(response, errors.UNAVAILABLE)
        assert "hangs" in response.json()["detail"]
        assert (await world.client.get("/readyz")).status_code == 200
    finally:
        await world.components.background.stop()


async def test_a_manual_warmup(world: World) -> None:
    world.reply(TriggerWarmup=jobs_pb2.TriggerWarmupResponse(job=job(QUEUED), enqueued=True))
    body = {"slug": "Costco-vs-Amazon", "tf": "5y", "geo": "us", "force": True}
    answer = conforming(await world.operator.post("/api/comparison/warmup", json=body), "Triggered", 202)
    assert (answer["enqueued"], answer["job"]["jobId"], answer["job"]["status"]) == (True, 42, "queued")
    request = world.jobs.only("TriggerWarmup").request
    assert (request.key.slug, request.key.timeframe, request.key.geo) == ("amazon-vs-costco", "5y", "US")
    assert request.force


@pytest.mark.parametrize(
    ("body", "reason", "fields"),
    [
        ({}, errors.INVALID_ARGUMENT, ["slug"]),
        ({"slug": "amazon"}, errors.INVALID_ARGUMENT, ["slug"]),
        ({"slug": "a-vs-b", "tf": "2w"}, errors.INVALID_ARGUMENT, ["tf"]),
        ({"slug": "a-vs-b", "tf": "7d", "timeframe": "30d"}, errors.INVALID_ARGUMENT, ["tf"]),
        ({"slug": "a-vs-b", "force": "yes"}, errors.INVALID_ARGUMENT, ["force"]),
        ([], errors.INVALID_ARGUMENT, ["body"]),
        ({"slug": "\ud800-vs-b"}, errors.INVALID_ARGUMENT, ["body"]),
        ({"slug": "a-vs-b", "geo": "\ud800"}, errors.INVALID_ARGUMENT, ["body"]),
    ],
)
async def test_a_warmup_of_an_unknown_comparison(
    world: World, body: object, reason: errors.Reason, fields: list[str]
) -> None:
    headers = {"Content-Type": "application/json"}  # httpx cannot encode half of a surrogate pair
    response = await world.operator.post("/api/comparison/warmup", content=json.dumps(body), headers=headers)
    refused(response, reason, *fields)
    assert not world.jobs.calls


async def test_a_warmup_request_must_be_json(world: World) -> None:
    path, headers = "/api/comparison/warmup", {"Content-Type": "application/json"}
    refused(await world.operator.post(path, content=b"{"), errors.UNSUPPORTED_MEDIA_TYPE, "Content-Type")
    refused(await world.operator.post(path, content=b"{", headers=headers), errors.UNREADABLE_INPUT)
    large = b" " * (3 * 1024 * 1024)
    refused(await world.operator.post(path, content=large, headers=headers), errors.TOO_LARGE)


@pytest.mark.parametrize(
    ("rows", "success"), [([job(READY)], True), ([job(READY), job(FAILED, last_error="flat")], False)]
)
async def test_a_run_reports_its_jobs(world: World, rows: list[Any], success: bool) -> None:
    world.reply(RunWarmup=jobs_pb2.RunWarmupResponse(jobs=rows))
    body = conforming(await world.operator.post("/api/jobs/run-warmup?max=20"), "Run")
    first = {"jobId": 42, "slug": "amazon-vs-costco", "debugId": "debug-1", "status": "ready", "lastError": None}
    assert body["jobs"][0] == first
    assert body == {"success": success, "processed": len(rows), "jobs": body["jobs"], **first}
    call = world.jobs.only("RunWarmup")
    assert call.request.max == 20
    assert call.deadline is not None
    assert call.deadline > 500


async def test_a_run_on_an_empty_queue(world: World) -> None:
    body = conforming(await world.operator.post("/api/jobs/run-warmup"), "Run")
    nothing = dict.fromkeys(("jobId", "slug", "debugId", "status", "lastError"))
    assert body == {"success": True, "processed": 0, "jobs": [], **nothing}
    assert world.jobs.only("RunWarmup").request.max == 1


@pytest.mark.parametrize("most", ["0", "101", "-1", "many"])
async def test_a_run_has_bounds(world: World, most: str) -> None:
    refused(await world.operator.post(f"/api/jobs/run-warmup?max={most}"), errors.INVALID_ARGUMENT, "max")


async def test_a_sweep_reports_jobs_and_causes(world: World) -> None:
    swept = jobs_pb2.SweptJob(job=job(QUEUED), cause="lease-expired")
    world.reply(
        Sweep=jobs_pb2.SweepResponse(requeued=[swept], audited=3, audit_skipped="the forecaster is unavailable")
    )
    assert conforming(await world.operator.post("/api/jobs/sweep"), "Sweep") == {
        "requeued": [{"jobId": 42, "slug": "amazon-vs-costco", "cause": "lease-expired", "status": "queued"}],
        "audited": 3,
        "auditSkipped": "the forecaster is unavailable",
    }


async def test_jobs_are_listed_by_status_slug_and_age(world: World) -> None:
    world.reply(ListJobs=jobs_pb2.ListJobsResponse(jobs=[job(FAILED)], next_page_token="next"))
    query = "status=failed&slug=Costco-vs-Amazon&olderThan=5m&newerThan=2h&limit=10&cursor=here"
    body = conforming(await world.operator.get(f"/api/jobs?{query}"), "JobList")
    assert body["nextCursor"] == "next"
    assert world.jobs.only("ListJobs").request == jobs_pb2.ListJobsRequest(
        status=FAILED,
        slug="amazon-vs-costco",
        older_than_seconds=300,
        newer_than_seconds=7_200,
        page_size=10,
        page_token="here",
    )


@pytest.mark.parametrize("name", ["status", "slug", "olderThan", "newerThan", "limit"])
async def test_invalid_filters_are_named(world: World, name: str) -> None:
    refused(await world.operator.get(f"/api/jobs?{name}=nonsense"), errors.INVALID_ARGUMENT, name)
    refused(await world.operator.get(f"/api/jobs?{name}=1&{name}=1"), errors.INVALID_ARGUMENT, name)


async def test_one_job_shows_every_field(world: World) -> None:
    row = job(FAILED, last_error="flat")
    row.error_reason, row.requeues = "unwarmable", 2
    row.cooldown_until.CopyFrom(moment("2026-01-01T10:05:00"))
    world.reply(GetJob=jobs_pb2.GetJobResponse(job=row))
    assert conforming(await world.operator.get("/api/jobs/42"), "Job") == {
        "jobId": 42,
        "slug": "amazon-vs-costco",
        "timeframe": "12m",
        "geo": "",
        "dataHash": row.data_hash,
        "status": "failed",
        "attempts": 1,
        "lastError": "flat",
        "debugId": "debug-1",
        "version": 7,
        "leaseId": 99,
        "priority": 100,
        "engineVersion": "1",
        "reason": "first-call",
        "createdAt": "2026-01-01T10:00:00Z",
        "updatedAt": "2026-01-01T10:00:01.500000Z",
        "queuedAt": None,
        "startedAt": None,
        "completedAt": None,
        "notBefore": None,
        "leaseExpiresAt": None,
        "cooldownUntil": "2026-01-01T10:05:00Z",
        "holder": None,
        "errorReason": "unwarmable",
        "rescues": 2,
    }


@pytest.mark.parametrize(("action", "method"), [("requeue", "RequeueJob"), ("cancel", "CancelJob")])
async def test_requeue_and_cancel(world: World, action: str, method: str) -> None:
    answer = {"RequeueJob": jobs_pb2.RequeueJobResponse, "CancelJob": jobs_pb2.CancelJobResponse}[method]
    world.reply(**{method: answer(job=job(QUEUED))})
    assert conforming(await world.operator.post(f"/api/jobs/42/{action}"), "Job")["jobId"] == 42
    assert world.jobs.only(method).request.id == 42
    world.reply(**{method: WarmcastError(errors.WRONG_STATE, "the job is running")})
    refused(await world.operator.post(f"/api/jobs/42/{action}"), errors.WRONG_STATE)
    world.reply(**{method: WarmcastError(errors.NOT_FOUND, "there is no job 42")})
    refused(await world.operator.post(f"/api/jobs/42/{action}"), errors.NOT_FOUND)


@pytest.mark.parametrize("path", ["/api/jobs/abc", "/api/jobs/0", "/api/jobs/9223372036854775808"])
async def test_invalid_job_ids(world: World, path: str) -> None:
    refused(await world.operator.get(path), errors.INVALID_ARGUMENT, "id")
