"""Bulk operations: by filter, dry runs, confirm, abort, progress."""

from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import FAILED, job, moment

PREPARED = pb.BulkOperation(
    id=5,
    action=pb.BULK_ACTION_REQUEUE,
    filter='{"status":"failed"}',
    state="prepared",
    matched=30,
    operator="secret",
    created_at=moment("2026-01-01T12:00:00"),
)
SHOWN = {
    "operationId": 5,
    "action": "requeue",
    "filter": {"status": "failed"},
    "state": "prepared",
    "matched": 30,
    "done": 0,
    "skipped": 0,
    "operator": "secret",
    "reason": None,
    "createdAt": "2026-01-01T12:00:00Z",
    "startedAt": None,
    "endedAt": None,
    "error": None,
}
FILTER = pb.JobFilter(
    status=FAILED,
    slug="amazon-vs-costco",
    timeframe="12m",
    geo="",
    reason="refresh",
    error_reason="cache-unavailable",
    engine_version="9",
    older_than_seconds=300,
    newer_than_seconds=7_200,
)
QUERY = {
    "status": "failed",
    "slug": "Costco-vs-Amazon",
    "tf": "12m",
    "geo": "",
    "reason": "refresh",
    "errorReason": "cache-unavailable",
    "engineVersion": "9",
    "olderThan": "5m",
    "newerThan": "2h",
}
BULK = ["/api/jobs/cancel", "/api/jobs/requeue"]
WHY = {"reason": "after the outage"}


@pytest.fixture
def bulk(world: World) -> World:
    """A gateway whose jobs service prepares and confirms."""
    running = pb.BulkOperation()
    running.CopyFrom(PREPARED)
    running.state = "running"
    running.reason = WHY["reason"]
    world.reply(
        PrepareBulkOperation=pb.PrepareBulkOperationResponse(operation=PREPARED, sample=[job(FAILED)]),
        ConfirmBulkOperation=pb.ConfirmBulkOperationResponse(operation=running),
        AbortBulkOperation=pb.AbortBulkOperationResponse(operation=running),
        GetBulkOperation=pb.GetBulkOperationResponse(operation=running),
    )
    return world


@pytest.mark.parametrize("sent", [{"params": {**QUERY, "dryRun": "true"}}, {"json": {"filter": QUERY, "dryRun": True}}])
@pytest.mark.parametrize(("path", "action"), [(BULK[0], pb.BULK_ACTION_CANCEL), (BULK[1], pb.BULK_ACTION_REQUEUE)])
async def test_a_dry_run_prepares_and_changes_nothing(
    bulk: World, path: str, action: pb.BulkAction.ValueType, sent: dict[str, Any]
) -> None:
    body = conforming(await bulk.operator.post(path, **sent), "PreparedOperation")
    assert body["operation"] == SHOWN
    assert [each["jobId"] for each in body["sample"]] == [42]
    expected = pb.PrepareBulkOperationRequest(action=action, jobs=FILTER)
    assert bulk.jobs.only("PrepareBulkOperation").request == expected
    assert "ConfirmBulkOperation" not in bulk.jobs.calls


@pytest.mark.parametrize("path", BULK)
async def test_without_a_dry_run_it_is_confirmed_at_once(bulk: World, path: str) -> None:
    response = await bulk.operator.post(path, params={"status": "failed"}, json=WHY)
    body = conforming(response, "Operation", 202)
    assert body == {**SHOWN, "state": "running", "reason": "after the outage"}
    assert response.headers["location"] == "/api/operations/5"
    assert bulk.jobs.only("ConfirmBulkOperation").request == pb.ConfirmBulkOperationRequest(
        id=5, reason="after the outage"
    )


@pytest.mark.parametrize("path", BULK)
async def test_both_calls_carry_the_key_and_a_replay_is_marked(bulk: World, path: str) -> None:
    sent: dict[str, Any] = {"params": {"status": "failed"}, "json": WHY, "headers": {"Idempotency-Key": "one"}}
    assert "idempotency-replayed" not in (await bulk.operator.post(path, **sent)).headers
    for rpc in ("PrepareBulkOperation", "ConfirmBulkOperation"):
        assert bulk.jobs.only(rpc).metadata[metadata.IDEMPOTENCY_KEY] == "one"
        bulk.jobs.trailing[rpc] = ((metadata.IDEMPOTENCY_REPLAYED, "true"),)
    assert (await bulk.operator.post(path, **sent)).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("path", BULK)
@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"json": WHY}, "filter"),
        ({"json": {**WHY, "filter": {}}}, "filter"),
        ({"params": {"tf": ""}, "json": WHY}, "filter"),
        ({"params": {"status": "failed"}, "json": {**WHY, "filter": {"tf": "12m"}}}, "filter"),
        ({"json": {**WHY, "filter": {"stat": "failed"}}}, "filter"),
        ({"json": {**WHY, "status": "failed"}}, "body"),
        ({"params": {"status": "failed", "engine": "9"}, "json": WHY}, "engine"),
        ({"params": {"status": "lost"}, "json": WHY}, "status"),
        ({"json": {**WHY, "filter": {"status": "lost"}}}, "status"),
        ({"json": {**WHY, "filter": {"status": 7}}}, "filter.status"),
        ({"params": {"tf": "2y"}, "json": WHY}, "tf"),
        ({"params": {"geo": "nowhere!"}, "json": WHY}, "geo"),
        ({"params": {"slug": "amazon"}, "json": WHY}, "slug"),
        ({"json": {**WHY, "filter": {"olderThan": "soon"}}}, "olderThan"),
        ({"json": {**WHY, "filter": {"newerThan": "0"}}}, "newerThan"),
        ({"params": {"status": "failed", "dryRun": "yes"}, "json": WHY}, "dryRun"),
        ({"params": {"status": "failed"}}, "reason"),
        ({"params": {"status": "failed"}, "json": {"reason": " "}}, "reason"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_prepared(
    bulk: World, path: str, sent: dict[str, Any], field: str
) -> None:
    refused(await bulk.operator.post(path, **sent), errors.INVALID_ARGUMENT, field)
    assert not bulk.jobs.calls


@pytest.mark.parametrize("path", [*BULK, "/api/jobs/1/run", "/api/jobs/1/requeue", "/api/operations/5/confirm"])
async def test_a_body_must_be_json_and_small(bulk: World, path: str) -> None:
    text = {"Content-Type": "text/plain"}
    refused(
        await bulk.operator.post(path, content=b"now", headers=text),
        errors.UNSUPPORTED_MEDIA_TYPE,
        "Content-Type",
    )
    json_type = {"Content-Type": "application/json"}
    refused(await bulk.operator.post(path, content=b"{", headers=json_type), errors.UNREADABLE_INPUT)
    large = b" " * (2 * 1024 * 1024 + 1)
    refused(await bulk.operator.post(path, content=large, headers=json_type), errors.TOO_LARGE)
    assert not bulk.jobs.calls


@pytest.mark.parametrize("path", BULK)
async def test_too_many_jobs_are_refused(bulk: World, path: str) -> None:
    bulk.reply(PrepareBulkOperation=WarmcastError(errors.TOO_LARGE, "more than 100,000 jobs match"))
    response = await bulk.operator.post(path, params={"status": "failed"}, json=WHY)
    refused(response, errors.TOO_LARGE)
    assert "ConfirmBulkOperation" not in bulk.jobs.calls


async def test_a_prepared_operation_is_confirmed_and_aborted(bulk: World) -> None:
    confirmed = await bulk.operator.post("/api/operations/5/confirm", json=WHY)
    assert conforming(confirmed, "Operation", 202)["state"] == "running"
    assert confirmed.headers["location"] == "/api/operations/5"
    assert bulk.jobs.only("ConfirmBulkOperation").request.reason == "after the outage"
    assert conforming(await bulk.operator.post("/api/operations/5/abort"), "Operation")["operationId"] == 5
    assert bulk.jobs.only("AbortBulkOperation").request.id == 5
    assert conforming(await bulk.operator.get("/api/operations/5"), "Operation")["reason"] == "after the outage"
    assert bulk.jobs.only("GetBulkOperation").request.id == 5


async def test_a_confirmation_needs_a_reason(bulk: World) -> None:
    refused(await bulk.operator.post("/api/operations/5/confirm"), errors.INVALID_ARGUMENT, "reason")
    assert not bulk.jobs.calls
    bulk.reply(ConfirmBulkOperation=invalid("reason", "at most 500 characters"))
    long = {"reason": "x" * 501}
    refused(await bulk.operator.post("/api/operations/5/confirm", json=long), errors.INVALID_ARGUMENT, "reason")


@pytest.mark.parametrize(("action", "rpc"), [("confirm", "ConfirmBulkOperation"), ("abort", "AbortBulkOperation")])
@pytest.mark.parametrize("reason", [errors.NOT_FOUND, errors.WRONG_STATE])
async def test_the_errors_of_an_operation(bulk: World, action: str, rpc: str, reason: errors.Reason) -> None:
    bulk.reply(**{rpc: WarmcastError(reason, "so it is")})
    refused(await bulk.operator.post(f"/api/operations/5/{action}", json=WHY), reason)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_invalid_operation_ids(bulk: World, method: str) -> None:
    path = "/api/operations/abc" + ("/abort" if method == "POST" else "")
    refused(await bulk.operator.request(method, path), errors.INVALID_ARGUMENT, "id")


async def test_a_job_is_run_at_once(world: World) -> None:
    world.reply(RunJob=pb.RunJobResponse(job=job()))
    body = conforming(await world.operator.post("/api/jobs/42/run", json=WHY), "Job")
    assert body["jobId"] == 42
    call = world.jobs.only("RunJob")
    assert call.request == pb.RunJobRequest(id=42, reason="after the outage")
    assert call.deadline is not None
    assert call.deadline > 500
    world.reply(RunJob=WarmcastError(errors.WRONG_STATE, "the job is running"))
    refused(await world.operator.post("/api/jobs/42/run"), errors.WRONG_STATE)


@pytest.mark.parametrize(
    ("path", "rpc", "sent"),
    [
        ("/api/jobs/42/requeue", "RequeueJob", {}),
        ("/api/jobs/42/cancel", "CancelJob", {}),
        ("/api/comparison/warmup", "TriggerWarmup", {"slug": "a-vs-b"}),
    ],
)
async def test_the_reason_of_a_single_action(world: World, path: str, rpc: str, sent: dict[str, str]) -> None:
    assert (await world.operator.post(path, json={**sent, **WHY})).is_success
    assert world.jobs.only(rpc).request.reason == "after the outage"
    refused(await world.operator.post(path, json={**sent, "reason": 7}), errors.INVALID_ARGUMENT, "reason")


async def test_jobs_are_listed_by_every_filter(world: World) -> None:
    assert (await world.operator.get("/api/jobs", params=QUERY)).is_success
    request = world.jobs.only("ListJobs").request
    assert request == jobs_pb2.ListJobsRequest(
        **{field.name: getattr(FILTER, field.name) for field in FILTER.DESCRIPTOR.fields}, page_size=50
    )
    assert request.HasField("geo")
