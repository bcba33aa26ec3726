"""`Idempotency-Key` on its way from a POST to jobs, and what comes back."""

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
]


def _with(sent: dict[str, Any], **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**sent, "headers": {**sent.get("headers", {}), **named}}


@pytest.mark.parametrize(("path", "method", "sent"), POSTS)
async def test_every_post_passes_its_key_on(world: World, path: str, method: str, sent: dict[str, Any]) -> None:
    response = await world.operator.post(path, **_with(sent, Idempotency_Key="one"))
    assert response.is_success
    assert world.jobs.only(method).metadata[metadata.IDEMPOTENCY_KEY] == "one"
    assert "idempotency-replayed" not in response.headers
    await world.operator.post(path, **sent)
    assert metadata.IDEMPOTENCY_KEY not in world.jobs.calls[method][1].metadata


async def test_a_put_and_a_get_do_not(world: World) -> None:
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
async def test_a_key_is_taken_with_the_draft_s_quotes_and_without(world: World, given: str, key: str) -> None:
    assert (await world.operator.post("/api/jobs/sweep", headers={"Idempotency-Key": given})).is_success
    assert world.jobs.only("Sweep").metadata[metadata.IDEMPOTENCY_KEY] == key


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 256, '""', "ü".encode(), b"a\tb"])
async def test_another_one_is_refused(world: World, given: str | bytes) -> None:
    headers = [(b"Idempotency-Key", given if isinstance(given, bytes) else given.encode())]
    response = await world.operator.post("/api/jobs/sweep", headers=headers)
    refused(response, errors.INVALID_ARGUMENT, "Idempotency-Key")
    assert not world.jobs.calls


async def test_two_keys_are_refused(world: World) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    refused(await world.operator.post("/api/jobs/sweep", headers=headers), errors.INVALID_ARGUMENT, "Idempotency-Key")


async def test_without_the_secret_no_key_is_looked_at(world: World) -> None:
    refused(await world.client.post("/api/jobs/sweep", headers={"Idempotency-Key": ""}), errors.UNAUTHENTICATED)


@pytest.mark.parametrize("reason", [errors.IDEMPOTENCY_MISMATCH, errors.IDEMPOTENCY_IN_PROGRESS])
async def test_what_jobs_refuses_is_a_problem(world: World, reason: errors.Reason) -> None:
    retry_after = 1.0 if reason is errors.IDEMPOTENCY_IN_PROGRESS else None
    world.says(Sweep=WarmcastError(reason, "in words", retry_after=retry_after))
    response = await world.operator.post("/api/jobs/sweep", headers={"Idempotency-Key": "one"})
    refused(response, reason)
    assert response.headers.get("retry-after") == (None if retry_after is None else "1")


async def test_a_kept_answer_says_that_it_is_one(world: World) -> None:
    world.jobs.trailing["TriggerWarmup"] = ((metadata.IDEMPOTENCY_REPLAYED, "true"),)
    world.says(TriggerWarmup=jobs_pb2.TriggerWarmupResponse(job=job(QUEUED), enqueued=True))
    for headers, replayed in (({"Idempotency-Key": "one"}, "true"), ({}, None)):
        response = await world.operator.post("/api/comparison/warmup", json={"slug": "a-vs-b"}, headers=headers)
        assert (response.status_code, response.json()["enqueued"]) == (202, True)
        assert response.headers.get("idempotency-replayed") == replayed
