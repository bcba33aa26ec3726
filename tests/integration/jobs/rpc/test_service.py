"""The jobs service over gRPC, as the gateway and internal clients see it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common import errors
from services.common.rpc import metadata
from services.jobs.application.metrics import ENQUEUED
from services.jobs.domain.forecaster import ForecasterInfo
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.reports.history import Failure
from services.jobs.rpc import servicer
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import CSV, KEY, SENT, Jobs, refused, serving, token_of


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def test_rpcs_that_change_state_need_the_secret(jobs: Jobs) -> None:
    calls = {
        "IngestSnapshot": pb.IngestSnapshotRequest(),
        "PreviewSnapshot": pb.PreviewSnapshotRequest(),
        "IngestPreviewed": pb.IngestPreviewedRequest(),
        "TriggerWarmup": pb.TriggerWarmupRequest(),
        "RunWarmup": pb.RunWarmupRequest(),
        "Sweep": pb.SweepRequest(),
        "RequeueJob": pb.RequeueJobRequest(),
        "RequeueJobs": pb.RequeueJobsRequest(),
        "RefreshForecasts": pb.RefreshForecastsRequest(),
        "DeleteOldJobs": pb.DeleteOldJobsRequest(),
        "CancelJob": pb.CancelJobRequest(),
    }
    assert {f"/{servicer.SERVICE}/{name}" for name in calls} == servicer.GUARDED
    for name, request in calls.items():
        for sent in ((), metadata.outgoing(secret="wrong")):
            error = await refused(getattr(jobs.stub, name)(request, metadata=sent))
            assert error.reason is errors.UNAUTHENTICATED, name


async def test_a_thousand_first_calls_enqueue_once(jobs: Jobs) -> None:
    await jobs.ingest()
    seen = await jobs.warmup()
    answers = await asyncio.gather(*(jobs.enqueue(seen) for _ in range(1000)))
    assert sum(answer.enqueued for answer in answers) == 1
    assert {answer.job.id for answer in answers} == {answers[0].job.id}
    assert all(answer.queue_position == 1 for answer in answers)


async def test_an_overdue_job_is_requeued_by_the_next_call(jobs: Jobs) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    await jobs.store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '6 min'")
    await jobs.store.execute("UPDATE warmup_jobs SET updated_at = queued_at")
    seen = await jobs.warmup()
    assert seen.overdue
    reminded = await jobs.enqueue(seen)
    assert reminded.enqueued
    assert reminded.job.queued_at == seen.job.queued_at
    assert not (await jobs.warmup()).overdue, "its runners were notified within this minute"
    await jobs.store.claim_one()
    await jobs.store.execute("UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s'")
    seen = await jobs.warmup()
    assert seen.overdue
    assert (await jobs.enqueue(seen)).job.status == pb.JOB_STATUS_QUEUED


async def test_a_ready_comparison_is_recomputed_at_most_once_a_minute_without_the_secret(jobs: Jobs) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    await jobs.store.ready(await jobs.store.claim_one())
    for _ in range(5):
        again = await jobs.enqueue(await jobs.warmup(), pb.ENQUEUE_REASON_CACHE_LOST)
        assert again.job.status == pb.JOB_STATUS_QUEUED
        assert (await jobs.store.queue.claim(1)).claimed == ()
    held_back = again.job.not_before.ToDatetime() - again.job.queued_at.ToDatetime()
    assert timedelta(seconds=50) < held_back <= timedelta(minutes=1)


async def test_the_eta_is_computed_from_measured_runs_and_is_absent_before_any(jobs: Jobs) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    assert not (await jobs.warmup()).HasField("eta_seconds")
    await jobs.store.ready(await jobs.store.claim_one())
    await jobs.store.execute("UPDATE warmup_jobs SET completed_at = completed_at - interval '1 min'")
    await jobs.store.execute("UPDATE warmup_jobs SET started_at = completed_at - interval '4 s'")
    await jobs.enqueue(await jobs.warmup(), pb.ENQUEUE_REASON_CACHE_LOST)
    waiting = await jobs.warmup()
    assert waiting.queue_position == 1
    assert not waiting.HasField("eta_seconds"), "the one measured run belongs to this row and began anew with it"
    other = CSV.replace(b"amazon", b"walmart")
    await jobs.ingest(other)
    await jobs.store.execute(
        "INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, started_at, completed_at) "
        "SELECT slug, timeframe, geo, data_hash, 'ready', now() - interval '4 s', now() FROM snapshots "
        "WHERE slug = 'costco-vs-walmart'"
    )
    assert (await jobs.warmup()).eta_seconds == pytest.approx(4)


async def test_a_frozen_forecaster_does_not_delay_get_warmup(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    thawed, called = asyncio.Event(), asyncio.Event()

    async def frozen() -> ForecasterInfo:
        called.set()
        await thawed.wait()
        return ForecasterInfo("test", 2)

    monkeypatch.setattr(jobs.forecaster, "describe", frozen)
    await jobs.ingest()
    try:
        async with asyncio.timeout(10):
            enqueued = await jobs.enqueue(await jobs.warmup())
            await called.wait()
            seen = await jobs.warmup()
    finally:
        thawed.set()
    assert (enqueued.enqueued, enqueued.queue_position, seen.queue_position) == (True, 1, 1)
    assert not seen.HasField("eta_seconds")


async def test_run_warmup_returns_each_job_after_its_run(jobs: Jobs) -> None:
    assert list((await jobs.stub.RunWarmup(pb.RunWarmupRequest(), metadata=SENT)).jobs) == []
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    done = await jobs.stub.RunWarmup(pb.RunWarmupRequest(max=5), metadata=SENT)
    assert [job.status for job in done.jobs] == [pb.JOB_STATUS_READY]
    assert (await jobs.warmup()).job.engine_version == "test"


async def test_jobs_are_listed_newest_first_in_pages(jobs: Jobs) -> None:
    for number in range(5):
        await jobs.store.queued(f"term {number}")
    first = await jobs.stub.ListJobs(pb.ListJobsRequest(page_size=3))
    second = await jobs.stub.ListJobs(pb.ListJobsRequest(page_size=3, page_token=first.next_page_token))
    ids = [job.id for page in (first, second) for job in page.jobs]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    assert second.next_page_token == ""
    one = await jobs.stub.ListJobs(pb.ListJobsRequest(slug="costco-vs-term-1", status=pb.JOB_STATUS_QUEUED))
    assert [job.slug for job in one.jobs] == ["costco-vs-term-1"]
    assert not (await jobs.stub.ListJobs(pb.ListJobsRequest(older_than_seconds=60))).jobs
    assert len((await jobs.stub.ListJobs(pb.ListJobsRequest(newer_than_seconds=60))).jobs) == 5


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "bm9uc2Vuc2U=",
        token_of([1, 2]),
        token_of({"a": 1}),
        token_of(["\0", "", ""]),
        token_of(["\ud800", "12m", ""]),
        token_of(["a-vs-b", "2w", ""]),
        token_of(["a-vs-b", "12m", "\0"]),
        token_of(["2024-01-01T00:00:00+00:00", True]),
        token_of(["2024-01-01T00:00:00+00:00", 10**30]),
        token_of(["2024-01-01T00:00:00+00:00", -5]),
        token_of(["yesterday", 1]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
async def test_an_invalid_page_token_is_refused(jobs: Jobs, token: str) -> None:
    for call in (
        jobs.stub.ListJobs(pb.ListJobsRequest(page_token=token)),
        jobs.stub.ListComparisons(pb.ListComparisonsRequest(page_token=token)),
    ):
        error = await refused(call)
        assert error.reason is errors.INVALID_ARGUMENT
        assert [field for field, _ in error.fields] == ["page_token"]


async def test_an_unknown_status_lists_no_other_jobs(jobs: Jobs) -> None:
    await jobs.store.queued("one")
    error = await refused(jobs.stub.ListJobs(pb.ListJobsRequest(status=99)))  # type: ignore[arg-type]  # a newer one
    assert (error.reason, error.fields[0][0]) == (errors.INVALID_ARGUMENT, "status")


async def test_refused_requeue_and_cancel_name_the_reason(jobs: Jobs) -> None:
    missing = await refused(jobs.stub.RequeueJob(pb.RequeueJobRequest(id=77), metadata=SENT))
    assert missing.reason is errors.NOT_FOUND
    job = await jobs.store.claimed()
    running = await refused(jobs.stub.RequeueJob(pb.RequeueJobRequest(id=job.id), metadata=SENT))
    assert running.reason is errors.WRONG_STATE
    assert "is running" in running.detail
    cancelled = await jobs.stub.CancelJob(pb.CancelJobRequest(id=job.id), metadata=SENT)
    assert cancelled.job.status == pb.JOB_STATUS_CANCELLED


async def test_failed_jobs_are_requeued_in_bulk_after_a_dry_run(jobs: Jobs) -> None:
    failed = []
    for number in range(3):
        job = await jobs.store.claimed(f"term {number}")
        failed.append(await jobs.store.queue.fail(job, Failure("test", "bad"), permanent=True))
    await jobs.store.claimed("runs")
    wanted = pb.RequeueJobsRequest(status=pb.JOB_STATUS_FAILED, max=2, dry_run=True)
    dry_run = await jobs.stub.RequeueJobs(wanted, metadata=SENT)
    assert [job.status for job in dry_run.jobs] == [pb.JOB_STATUS_FAILED] * 2
    assert [await jobs.store.row(job) for job in failed if job] == failed
    wanted.dry_run = False
    done = await jobs.stub.RequeueJobs(wanted, metadata=SENT)
    assert [(job.id, job.status) for job in done.jobs] == [(job.id, pb.JOB_STATUS_QUEUED) for job in dry_run.jobs]
    for status in (pb.JOB_STATUS_RUNNING, pb.JOB_STATUS_UNSPECIFIED):
        error = await refused(jobs.stub.RequeueJobs(pb.RequeueJobsRequest(status=status), metadata=SENT))
        assert [field for field, _ in error.fields] == ["status"]


async def test_every_episode_is_counted_by_its_reason(jobs: Jobs) -> None:
    def begun() -> dict[str, float]:
        return {each.value: ENQUEUED.labels(each.value)._value.get() for each in EnqueueReason}

    before = begun()
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    await jobs.stub.ReportDemand(pb.ReportDemandRequest(demand=[pb.Demand(key=KEY, count=1)]))
    await jobs.ingest(CSV.replace(b"90,13", b"91,13"))
    ready = await jobs.store.ready(await jobs.store.claim_one())
    assert ready
    jobs.forecaster.lost = {ready.data_hash}
    await jobs.stub.Sweep(pb.SweepRequest(), metadata=SENT)
    await jobs.stub.RequeueJob(pb.RequeueJobRequest(id=ready.id), metadata=SENT)
    await jobs.stub.RequeueJobs(pb.RequeueJobsRequest(status=pb.JOB_STATUS_QUEUED), metadata=SENT)
    await jobs.stub.TriggerWarmup(pb.TriggerWarmupRequest(key=KEY), metadata=SENT)
    new = {reason: count - before[reason] for reason, count in begun().items()}
    assert new == {"first-call": 1, "import": 1, "cache-lost": 1, "by-hand": 3, "refresh": 0}


async def test_trigger_starts_an_episode_and_keeps_a_running_one(jobs: Jobs) -> None:
    await jobs.ingest()
    request = pb.TriggerWarmupRequest(key=KEY)
    assert (await jobs.stub.TriggerWarmup(request, metadata=SENT)).enqueued
    running = await jobs.store.claim_one()
    left = await jobs.stub.TriggerWarmup(request, metadata=SENT)
    assert (left.enqueued, left.job.lease_id) == (False, running.lease_id)
    unknown = pb.TriggerWarmupRequest(key=pb.ComparisonKey(slug="a-vs-b"))
    assert (await refused(jobs.stub.TriggerWarmup(unknown, metadata=SENT))).reason is errors.NOT_FOUND


async def test_status_has_counts_and_forecaster_availability(jobs: Jobs) -> None:
    await jobs.store.claimed("one")
    await jobs.store.queued("two")
    status = await jobs.stub.GetStatus(pb.GetStatusRequest())
    counts = {each.status: each.count for each in status.counts}
    assert (counts[pb.JOB_STATUS_QUEUED], counts[pb.JOB_STATUS_RUNNING]) == (1, 1)
    assert status.forecaster_available
    assert (status.worker_slots, status.dispatcher_enabled) == (2, False)


async def test_status_has_depth_round_trip_and_replicas(jobs: Jobs) -> None:
    due, delayed = await jobs.store.queued("one"), await jobs.store.queued("two")
    await jobs.store.execute(
        "UPDATE warmup_jobs SET queued_at = now() - interval '90 s', "
        "not_before = CASE WHEN id <> %(due)s THEN now() + interval '1 h' END WHERE id IN (%(due)s, %(delayed)s)",
        due=due.id,
        delayed=delayed.id,
    )
    status = await jobs.stub.GetStatus(pb.GetStatusRequest())
    assert (status.due, status.not_due) == (1, 1)
    assert 90 <= status.oldest_due_seconds < 120
    assert 0 < status.database_seconds < 10
    assert not status.database_read_only
    [replica] = status.replicas
    assert (replica.worker_slots, replica.busy_slots, replica.cache_state) == (2, 1, "writable")


async def test_the_text_of_a_crash_is_not_exposed(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(jobs.store.listings, "status", crash)
    error = await refused(jobs.stub.GetStatus(pb.GetStatusRequest()))
    assert error.reason is errors.INTERNAL
    assert "hunter2" not in error.detail
