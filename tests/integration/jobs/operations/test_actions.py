"""Every action of an operator is recorded once, with who, what, why, how many, and the request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import operations_pb2 as ops

from services.common import errors
from services.common.rpc import metadata
from services.jobs.rpc.operations import servicer as operations
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.operations.filling import fill
from tests.integration.jobs.service import KEY, SENT, Jobs, refused, token_of

REQUEST = "request-of-the-test"
BY_ADA = (*SENT, (metadata.OPERATOR, quote("Ada Łovelace")), (metadata.REQUEST_ID, REQUEST))
WHY = "the cache was lost"


async def recorded(jobs: Jobs) -> list[tuple[Any, ...]]:
    """What was recorded besides imports, newest first."""
    actions = (await jobs.operations.ListActions(ops.ListActionsRequest())).actions
    return [
        (each.operator, each.action, json.loads(each.target), each.reason, each.count, each.request_id)
        for each in actions
        if each.action != "import"
    ]


def by_ada(action: str, target: object, count: int = 1) -> tuple[Any, ...]:
    return ("Ada Łovelace", action, target, WHY, count, REQUEST)


async def test_each_action_is_recorded(jobs: Jobs) -> None:
    await jobs.ingest()
    key = {"slug": KEY.slug, "timeframe": KEY.timeframe, "geo": KEY.geo}
    triggered = await jobs.stub.TriggerWarmup(pb.TriggerWarmupRequest(key=KEY, reason=WHY), metadata=BY_ADA)
    job = triggered.job.id
    await jobs.stub.CancelJob(pb.CancelJobRequest(id=job, reason=WHY), metadata=BY_ADA)
    await jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job, reason=WHY), metadata=BY_ADA)
    await jobs.operations.RunJob(ops.RunJobRequest(id=job, reason=WHY), metadata=BY_ADA)
    await jobs.stub.RequeueJobs(
        pb.RequeueJobsRequest(status=pb.JOB_STATUS_READY, newer_than_seconds=3600, reason=WHY), metadata=BY_ADA
    )
    assert await recorded(jobs) == [
        by_ada("requeue", {"status": "ready", "newerThan": 3600}),
        by_ada("run", {"jobId": job}),
        by_ada("requeue", {"jobId": job}),
        by_ada("cancel", {"jobId": job}),
        by_ada("trigger", key),
    ]


async def test_the_jobs_of_a_filter_are_counted(jobs: Jobs, store: Store) -> None:
    await fill(store, 5)
    request = pb.RequeueJobsRequest(status=pb.JOB_STATUS_FAILED, max=3, reason=WHY)
    await jobs.stub.RequeueJobs(request, metadata=BY_ADA)
    assert await recorded(jobs) == [by_ada("requeue", {"status": "failed"}, 3)]


async def test_a_call_that_changes_nothing_is_not_recorded(jobs: Jobs, store: Store) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    job = (await store.claim_one()).id
    dry_run = pb.RequeueJobsRequest(status=pb.JOB_STATUS_FAILED, dry_run=True)
    none_match = pb.RequeueJobsRequest(status=pb.JOB_STATUS_FAILED)
    await jobs.stub.RequeueJobs(dry_run, metadata=SENT)
    await jobs.stub.RequeueJobs(none_match, metadata=SENT)
    await jobs.stub.TriggerWarmup(pb.TriggerWarmupRequest(key=KEY), metadata=SENT)
    for job_id, reason in ((job, errors.WRONG_STATE), (job + 1, errors.NOT_FOUND)):
        requeue = jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job_id), metadata=SENT)
        assert (await refused(requeue)).reason is reason
        run = jobs.operations.RunJob(ops.RunJobRequest(id=job_id), metadata=SENT)
        assert (await refused(run)).reason is reason
    cancel = jobs.stub.CancelJob(pb.CancelJobRequest(id=job + 1), metadata=SENT)
    assert (await refused(cancel)).reason is errors.NOT_FOUND
    assert await recorded(jobs) == []


async def test_a_replayed_call_is_recorded_once(jobs: Jobs, store: Store) -> None:
    (job,) = await fill(store, 1)
    sent = (*BY_ADA, (metadata.IDEMPOTENCY_KEY, "once"))
    for _ in range(3):
        await jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job, reason=WHY), metadata=sent)
    assert await recorded(jobs) == [by_ada("requeue", {"jobId": job})]


async def test_without_a_name_the_operator_is_the_secret(jobs: Jobs, store: Store) -> None:
    (job,) = await fill(store, 1)
    await jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job, reason="  "), metadata=SENT)
    assert [row[0] for row in await recorded(jobs)] == ["secret"]
    assert [row[3] for row in await recorded(jobs)] == [""]


@pytest.mark.parametrize(
    ("sent", "reason", "field"),
    [
        ((metadata.OPERATOR, quote("Ada\nLovelace")), "", metadata.OPERATOR),
        ((metadata.OPERATOR, quote("é" * 61)), "", metadata.OPERATOR),
        ((metadata.OPERATOR, "%ff"), "", metadata.OPERATOR),
        ((metadata.OPERATOR, "Ada"), "two\nlines", "reason"),
        ((metadata.OPERATOR, "Ada"), "a separator\u2028of lines", "reason"),
        ((metadata.OPERATOR, "Ada"), "nul\x00", "reason"),
        ((metadata.OPERATOR, "Ada"), "x" * 501, "reason"),
    ],
)
async def test_a_name_or_reason_that_cannot_be_shown_is_refused(
    jobs: Jobs, store: Store, sent: Sequence[str], reason: str, field: str
) -> None:
    (job,) = await fill(store, 1)
    both = (*SENT, (sent[0], sent[1]))
    confirm = ops.ConfirmBulkOperationRequest(id=1, reason=reason or "why")
    for call in (
        jobs.stub.TriggerWarmup(pb.TriggerWarmupRequest(key=KEY, reason=reason), metadata=both),
        jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job, reason=reason), metadata=both),
        jobs.stub.CancelJob(pb.CancelJobRequest(id=job, reason=reason), metadata=both),
        jobs.stub.RequeueJobs(pb.RequeueJobsRequest(status=pb.JOB_STATUS_FAILED, reason=reason), metadata=both),
        jobs.operations.RunJob(ops.RunJobRequest(id=job, reason=reason), metadata=both),
        jobs.operations.ConfirmBulkOperation(confirm, metadata=both),
    ):
        error = await refused(call)
        assert (error.reason, [name for name, _ in error.fields]) == (errors.INVALID_ARGUMENT, [field])
    assert await recorded(jobs) == []


async def test_the_longest_name_and_reason_are_kept(jobs: Jobs, store: Store) -> None:
    (job,) = await fill(store, 1)
    sent = (*SENT, (metadata.OPERATOR, quote("é" * 60)))
    await jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job, reason="ü" * 500), metadata=sent)
    (row,) = await recorded(jobs)
    assert (row[0], row[3]) == ("é" * 60, "ü" * 500)


async def test_actions_are_listed_by_pages(jobs: Jobs, store: Store) -> None:
    (job,) = await fill(store, 1)
    for number in range(5):
        await jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job, reason=f"{number}"), metadata=SENT)
    listed, token = [], ""
    while True:
        page = await jobs.operations.ListActions(ops.ListActionsRequest(page_size=2, page_token=token))
        listed.append([action.reason for action in page.actions])
        token = page.next_page_token
        if not token:
            break
    assert listed == [["4", "3"], ["2", "1"], ["0"]]


@pytest.mark.parametrize("place", [["x"], [0], [True], [2**63], [1, 2], {}])
async def test_a_forged_page_token_is_refused(jobs: Jobs, place: object) -> None:
    error = await refused(jobs.operations.ListActions(ops.ListActionsRequest(page_token=token_of(place))))
    assert (error.reason, error.fields[0][0]) == (errors.INVALID_ARGUMENT, "page_token")


async def test_methods_that_change_something_need_the_secret(jobs: Jobs) -> None:
    calls = {
        "RunJob": ops.RunJobRequest(),
        "PrepareBulkOperation": ops.PrepareBulkOperationRequest(),
        "ConfirmBulkOperation": ops.ConfirmBulkOperationRequest(),
        "AbortBulkOperation": ops.AbortBulkOperationRequest(),
    }
    assert {f"/{operations.SERVICE}/{name}" for name in calls} == operations.GUARDED
    for name, request in calls.items():
        error = await refused(getattr(jobs.operations, name)(request, metadata=metadata.outgoing(secret="wrong")))
        assert error.reason is errors.UNAUTHENTICATED, name
