"""Each run of what schedules call is recorded, whether it succeeds or fails."""

from __future__ import annotations

import asyncio

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import operations_pb2 as ops

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.jobs.application.operations import schedules as schedules_module
from services.jobs.application.operations.schedules import Schedules
from services.jobs.domain.operations import Outcome, Schedule
from services.jobs.postgres.operations.actions import ActionLog
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.operations.filling import fill
from tests.integration.jobs.service import SENT, Jobs, refused
from tests.waiting import wait_until_async


async def runs(jobs: Jobs, schedule: str = "") -> list[tuple[str, bool, int, str]]:
    """The recorded runs, newest first."""
    answer = await jobs.operations.ListScheduleRuns(ops.ListScheduleRunsRequest(schedule=schedule))
    for run in answer.runs:
        assert 0 <= run.ended_at.ToMicroseconds() - run.started_at.ToMicroseconds() < 60e6
    return [(run.schedule, run.succeeded, run.count, run.detail) for run in answer.runs]


async def test_the_runs_of_all_schedules_are_recorded(jobs: Jobs, store: Store) -> None:
    assert await runs(jobs) == []
    await jobs.stub.RunWarmup(pb.RunWarmupRequest(), metadata=SENT)
    assert await runs(jobs) == [("run-warmup", True, 0, "")]
    await fill(store, 3, "queued")
    await jobs.stub.RunWarmup(pb.RunWarmupRequest(max=2), metadata=SENT)
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '1 h'")
    await jobs.stub.Sweep(pb.SweepRequest(), metadata=SENT)
    await store.execute("UPDATE warmup_jobs SET completed_at = now() - interval '23 h' WHERE status = 'ready'")
    await store.execute("UPDATE comparisons SET last_requested_at = now()")
    await jobs.stub.RefreshForecasts(pb.RefreshForecastsRequest(max=1), metadata=SENT)
    await jobs.stub.DeleteOldJobs(pb.DeleteOldJobsRequest(older_than_days=1), metadata=SENT)
    assert await runs(jobs) == [
        ("retention", True, 0, ""),
        ("refresh", True, 1, "still due: 1"),
        ("sweep", True, 1, ""),
        ("run-warmup", True, 2, ""),
    ]
    assert await runs(jobs, "run-warmup") == [("run-warmup", True, 2, ""), ("run-warmup", True, 0, "")]


async def test_a_failed_run_is_recorded_with_its_error(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.jobs.application.dispatcher._WAIT_FOR_REPLICA", 0.01)
    jobs.forecaster.slots = 0
    error = await refused(jobs.stub.RunWarmup(pb.RunWarmupRequest(), metadata=SENT))
    assert await runs(jobs) == [("run-warmup", False, 0, f"unavailable: {error.detail}")]


async def test_an_audit_that_stops_early_is_named(jobs: Jobs, store: Store) -> None:
    async def unavailable(keys: object) -> list[bool]:
        raise WarmcastError(errors.UNAVAILABLE, "the cache is away")

    await store.ready(await store.claimed())
    await store.execute("UPDATE comparisons SET last_requested_at = now()")
    jobs.forecaster.missing = unavailable  # type: ignore[method-assign]
    await jobs.stub.Sweep(pb.SweepRequest(), metadata=SENT)
    assert await runs(jobs) == [("sweep", True, 0, "audit: the cache is away")]


async def test_a_call_that_is_refused_or_replayed_is_no_run(jobs: Jobs) -> None:
    await refused(jobs.stub.Sweep(pb.SweepRequest(), metadata=metadata.outgoing(secret="wrong")))
    await refused(jobs.stub.RunWarmup(pb.RunWarmupRequest(max=101), metadata=SENT))
    for _ in range(2):
        await jobs.stub.Sweep(pb.SweepRequest(), metadata=(*SENT, (metadata.IDEMPOTENCY_KEY, "once")))
    assert await runs(jobs, "sweep") == [("sweep", True, 0, "")]
    assert await runs(jobs, "run-warmup") == []


async def test_a_run_goes_on_and_is_recorded_when_its_caller_disconnects(store: Store) -> None:
    schedules, release = Schedules(store.actions), asyncio.Event()

    async def work() -> int:
        await release.wait()
        return 7

    call = asyncio.create_task(schedules.run_detached(Schedule.RUN_WARMUP, work(), Outcome))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    release.set()

    async def recorded() -> bool:
        return [run.count for run in await store.actions.runs(Schedule.RUN_WARMUP, limit=5)] == [7]

    await wait_until_async(recorded, 10, "it is recorded")


async def test_work_that_ends_with_its_call_is_recorded_as_failed(store: Store) -> None:
    call = asyncio.create_task(
        Schedules(store.actions).run(Schedule.SWEEP, asyncio.Event().wait(), lambda _: Outcome(1))
    )
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    (run,) = await store.actions.runs(Schedule.SWEEP, limit=5)
    assert (run.succeeded, run.detail) == (False, "the call ended before its work")


@pytest.mark.parametrize("failure", [WarmcastError(errors.UNAVAILABLE, "away"), RuntimeError("a bug"), None])
async def test_a_record_that_cannot_be_written_fails_no_call(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    async def fail(*_: object, **__: object) -> None:
        if failure is not None:
            raise failure
        await asyncio.Event().wait()  # PostgreSQL is silent

    monkeypatch.setattr(schedules_module, "_RECORD_SECONDS", 0.1)
    with monkeypatch.context() as broken:
        broken.setattr(ActionLog, "record_run", fail)
        assert await jobs.stub.Sweep(pb.SweepRequest(), metadata=SENT) == pb.SweepResponse()
    assert await runs(jobs) == []


async def test_an_unknown_schedule_is_refused(jobs: Jobs) -> None:
    error = await refused(jobs.operations.ListScheduleRuns(ops.ListScheduleRunsRequest(schedule="backup")))
    assert (error.reason, error.fields[0][0]) == (errors.INVALID_ARGUMENT, "schedule")
    assert "run-warmup, sweep, refresh, retention" in error.detail
