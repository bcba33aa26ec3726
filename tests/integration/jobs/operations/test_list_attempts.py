"""ListAttempts, and what a run by RunWarmup leaves in the history."""

from __future__ import annotations

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import operations_pb2 as ops

from services.common import errors
from services.common.rpc import metadata
from services.jobs.domain.reports.history import Failure
from tests.integration.jobs.service import KEY, SENT, Jobs, refused, token_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACED = (*SENT, (metadata.TRACEPARENT, f"00-{TRACE_ID}-b7ad6b7169203331-01"))


async def of_job(jobs: Jobs, job_id: int, size: int = 0, token: str = "") -> ops.ListAttemptsResponse:
    return await jobs.operations.ListAttempts(ops.ListAttemptsRequest(job_id=job_id, page_size=size, page_token=token))


async def triggered(jobs: Jobs) -> pb.WarmupJob:
    await jobs.ingest()
    return (await jobs.stub.TriggerWarmup(pb.TriggerWarmupRequest(key=KEY), metadata=SENT)).job


async def test_a_run_by_a_call_is_in_the_history_with_the_trace_of_the_call(jobs: Jobs) -> None:
    job = await triggered(jobs)
    assert not (await of_job(jobs, job.id)).attempts
    [ran] = (await jobs.stub.RunWarmup(pb.RunWarmupRequest(), metadata=TRACED)).jobs
    response = await of_job(jobs, job.id)
    assert response.next_page_token == ""
    [attempt] = response.attempts
    assert (attempt.job_id, attempt.lease_id, attempt.attempt) == (job.id, ran.lease_id, 1)
    assert (attempt.outcome, attempt.reason, attempt.trace_id) == ("ready", "by-hand", TRACE_ID)
    assert (attempt.debug_id, attempt.engine_version, attempt.holder) == (job.debug_id, "test", "first")
    assert (attempt.due_at, attempt.claimed_at, attempt.ended_at) == (job.queued_at, ran.started_at, ran.completed_at)
    assert (attempt.error_reason, attempt.error, attempt.adopted) == ("", "", False)
    assert not attempt.HasField("refused_at")


async def test_pages_follow_each_other(jobs: Jobs) -> None:
    job = await triggered(jobs)
    for _ in range(5):
        await jobs.store.queue.hand_back(await jobs.store.claim_one(), Failure("busy", "busy: no slot"), delay=0)
    leases, token = [], ""
    for count in (2, 2, 1):
        page = await of_job(jobs, job.id, 2, token)
        assert len(page.attempts) == count
        leases += [attempt.lease_id for attempt in page.attempts]
        token = page.next_page_token
    assert token == ""
    assert leases == sorted(leases, reverse=True)
    assert len(set(leases)) == 5


async def test_errors(jobs: Jobs) -> None:
    assert (await refused(of_job(jobs, 999))).reason is errors.NOT_FOUND
    for token in ("?", token_of(["a"]), token_of([1, 2]), token_of([True])):
        assert (await refused(of_job(jobs, 1, token=token))).reason is errors.INVALID_ARGUMENT
    assert (await refused(of_job(jobs, 1, size=201))).reason is errors.INVALID_ARGUMENT


@pytest.mark.parametrize("status", [pb.JOB_STATUS_RUNNING, pb.JOB_STATUS_QUEUED])
async def test_a_job_names_its_holder_only_while_it_runs(jobs: Jobs, status: pb.JobStatus.ValueType) -> None:
    job = await triggered(jobs)
    claimed = await jobs.store.claim_one()
    running = status == pb.JOB_STATUS_RUNNING
    if not running:
        await jobs.store.queue.fail(claimed, Failure("unavailable", "unavailable: no answer"), permanent=False)
    row = (await jobs.stub.GetJob(pb.GetJobRequest(id=job.id))).job
    assert row.status == status
    assert (row.holder, row.error_reason) == (("first", "") if running else ("", "unavailable"))
