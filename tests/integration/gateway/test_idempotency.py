"""`Idempotency-Key`: forwarded to jobs, and replayed responses."""

from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from tests.integration.gateway.conformity import refused
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import QUEUED, job

CSV = {"content": b"a,b", "headers": {"Content-Type": "text/csv"}}
POSTS: list[tuple[str, str, dict[str, Any]]] = [
    ("/api/comparisons", "IngestSnapshot", CSV),
    ("/api/comparison/warmup", "TriggerWarmup", {"json": {"slug": "a-vs-b"}}),
    ("/api/jobs/run-warmup", "RunWarmup", {}),
    ("/api/jobs/sweep", "Sweep", {}),
    ("/api/jobs/1/requeue", "RequeueJob", {}),
    ("/api/jobs/1/cancel", "CancelJob", {}),
    ("/api/jobs/1/run", "RunJob", {}),
    ("/api/jobs/cancel", "PrepareBulkOperation", {"json": {"filter": {"status": "queued"}, "dryRun": True}}),
    ("/api/jobs/requeue", "PrepareBulkOperation", {"json": {"filter": {"status": "failed"}, "dryRun": True}}),
    ("/api/operations/1/confirm", "ConfirmBulkOperation", {"json": {"reason": "late"}}),
    ("/api/operations/1/abort", "AbortBulkOperation", {}),
]


def _with(sent: dict[str, Any], **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**sent, "headers": {**sent.get("headers", {}), **named}}


@pytest.mark.parametrize(("path", "method", "sent"), POSTS)
async def test_every_post_forwards_its_key(world: World, path: str, method: str, sent: dict[str, Any]) -> None:
    response = await world.operator.post(path, **_with(sent, Idempotency_Key="one"))
    assert response.is_success
    assert world.jobs.only(method).metadata[metadata.IDEMPOTENCY_KEY] == "one"
    assert "idempotency-replayed" not in response.headers
    await world.operator.post(path, **sent)
    assert metadata.IDEMPOTENCY_KEY not in world.jobs.calls[method][1].metadata


async def test_put_and_get_do_not_forward_a_key(world: World) -> None:
    sent = _with(CSV, Idempotency_Key="one")
    assert (await world.operator.put("/api/comparisons/a-vs-b", **sent)).is_success
    assert (await world.operator.get("/api/jobs", headers={"Idempotency-Key": "one"})).is_success
    for method in ("IngestSnapshot", "ListJobs"):
        assert metadata.IDEMPOTENCY_KEY not in world.jobs.only(method).metadata


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e"', "8e03978e"),
        (r'"a\"b"', 'a"b'),
        ("x" * 255, "x" * 255),
        ('half"', 'half"'),
    ],
)
async def test_a_key_is_accepted_with_and_without_quotes(world: World, given: str, key: str) -> None:
    assert (await world.operator.post("/api/jobs/sweep", headers={"Idempotency-Key": given})).is_success
    assert world.jobs.only("Sweep").metadata[metadata.IDEMPOTENCY_KEY] == key


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 256, '""', "ü".encode(), b"a\tb"])
async def test_an_invalid_value_is_refused(world: World, given: str | bytes) -> None:
    headers = [(b"Idempotency-Key", given if isinstance(given, bytes) else given.encode())]
    response = await world.operator.post("/api/jobs/sweep", headers=headers)
    refused(response, errors.INVALID_ARGUMENT, "Idempotency-Key")
    assert not world.jobs.calls


async def test_two_keys_are_refused(world: World) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    refused(await world.operator.post("/api/jobs/sweep", headers=headers), errors.INVALID_ARGUMENT, "Idempotency-Key")


async def test_without_the_secret_no_key_is_validated(world: World) -> None:
    refused(await world.client.post("/api/jobs/sweep", headers={"Idempotency-Key": ""}), errors.UNAUTHENTICATED)


@pytest.mark.parametrize("reason", [errors.IDEMPOTENCY_MISMATCH, errors.IDEMPOTENCY_IN_PROGRESS])
async def test_an_error_of_jobs_is_a_problem(world: World, reason: errors.Reason) -> None:
    retry_after = 1.0 if reason is errors.IDEMPOTENCY_IN_PROGRESS else None
    world.reply(Sweep=WarmcastError(reason, "a detail", retry_after=retry_after))
    response = await world.operator.post("/api/jobs/sweep", headers={"Idempotency-Key": "one"})
    refused(response, reason)
    assert response.headers.get("retry-after") == (None if retry_after is None else "1")


async def test_a_stored_response_is_marked_as_replayed(world: World) -> None:
    world.jobs.trailing["TriggerWarmup"] = ((metadata.IDEMPOTENCY_REPLAYED, "true"),)
    world.reply(TriggerWarmup=jobs_pb2.TriggerWarmupResponse(job=job(QUEUED), enqueued=True))
    for headers, replayed in (({"Idempotency-Key": "one"}, "true"), ({}, None)):
        response = await world.operator.post("/api/comparison/warmup", json={"slug": "a-vs-b"}, headers=headers)
        assert (response.status_code, response.json()["enqueued"]) == (202, True)
        assert response.headers.get("idempotency-replayed") == replayed
