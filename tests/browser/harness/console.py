"""What the fake service returns for the console's pages."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.gateway.pages.words import TIMEFRAMES
from tests.browser.harness.job_queue import JobQueue
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import FAILED, QUEUED, READY, RUNNING, moment
from tests.integration.gateway.pages.operations.test_overview import ran, replica, statistics, status
from tests.unit.gateway.pages.operations.test_audit import action
from tests.unit.gateway.pages.operations.test_coverage import Count, covered
from tests.unit.gateway.pages.operations.test_track_record import accuracy, bins, record, share, trust

PATHS = (
    *("/ops", "/ops/jobs", "/ops/jobs/1", "/ops/comparisons", "/ops/track-record", "/ops/audit"),
    "/ops/runbook",
)
_TERMS = (("tea", "coffee"), ("amazon", "costco"), ("ventilateur", "climatiseur"), ("python", "rust"))


def console(world: World, number: int = 60) -> JobQueue:
    """Fills every page; returns the queue of its jobs, of which a third has failed. `number` is a multiple of 6."""
    queue = JobQueue(world)
    queue.install()
    for job_status in (READY, FAILED, FAILED, QUEUED, RUNNING, READY):
        queue.add(number // 6, job_status)
    queue.actions += _actions()
    world.reply(
        ListCoverage=_coverage(),
        GetCoverageSummary=_summary(),
        GetTrustStats=trust(412),
        GetTrackRecord=_record(),
        GetStatus=status(replicas=[replica(), replica("refuses-writes", "the cache refuses writes")]),
        GetStatistics=_statistics(),
        ListHolders=_holders(),
        ListScheduleRuns=operations_pb2.ListScheduleRunsResponse(
            runs=[ran("run-warmup", 31), ran("sweep", 92), ran("refresh", 812, succeeded=False, detail="no forecaster")]
        ),
    )
    return queue


def _statistics() -> operations_pb2.GetStatisticsResponse:
    bars = [
        operations_pb2.ThroughputBar(
            start=moment(f"2026-11-30T13:{minute:02}:00"),
            ready=20 + minute * 7 % 19,
            retried=4 if minute in (31, 32) else 0,
            failed=int(minute == 33),
        )
        for minute in range(60)
    ]
    run = operations_pb2.Percentiles(count=1_700, p50=0.18, p95=0.31, p99=0.8)
    return statistics(bars=bars, run=run)


def _holders() -> operations_pb2.ListHoldersResponse:
    held = [
        operations_pb2.HeldJob(
            job_id=7 + rank,
            key=jobs_pb2.ComparisonKey(slug="-vs-".join(terms), timeframe="12m"),
            attempt=1,
            lease_seconds=14 - 4 * rank,
        )
        for rank, terms in enumerate(_TERMS)
    ]
    holder = operations_pb2.Holder(
        holder="jobs-7f3a-1",
        running=4,
        shortest_lease_seconds=2,
        jobs=held,
        oldest_claimed_at=moment("2026-11-30T13:09:00"),
    )
    return operations_pb2.ListHoldersResponse(holders=[holder])


def _coverage() -> operations_pb2.ListCoverageResponse:
    rows = []
    for rank, (terms, state) in enumerate(zip(_TERMS, cycle(("fresh", "stale", "cold")), strict=False)):
        row = covered(state, geo="US" if rank % 2 else "", job_id=rank + 1, demand=120 / (rank + 1))
        row.stale_because = "engine-version" if state == "stale" else ""
        row.comparison.slug, row.comparison.terms[:] = "-vs-".join(terms), terms
        rows.append(row)
    rows.append(
        covered("cold", geo="DE", job_id=0, status=jobs_pb2.JOB_STATUS_UNSPECIFIED, last_ready_at=None, demand=0)
    )
    return operations_pb2.ListCoverageResponse(comparisons=rows, next_page_token="more")


def _summary() -> operations_pb2.GetCoverageSummaryResponse:
    counts = (
        Count(comparisons=40, fresh=31, stale=8, stale_age=8, cold=1),
        Count(comparisons=15, fresh=15),
        Count(comparisons=8, cold=8),
        Count(comparisons=1_204, fresh=1_104, stale=80, stale_age=64, stale_snapshot=16, cold=20),
        Count(comparisons=310, fresh=200, stale=80, stale_engine_version=80, cold=30),
        Count(),
    )
    return operations_pb2.GetCoverageSummaryResponse(
        all=Count(
            comparisons=1_577, fresh=1_350, stale=168, stale_age=72, stale_engine_version=80, stale_snapshot=16, cold=59
        ),
        requested=Count(comparisons=212, fresh=190, stale=20, stale_age=20, cold=2),
        timeframes=[
            operations_pb2.TimeframeCoverage(timeframe=name, count=count)
            for name, count in zip(TIMEFRAMES, counts, strict=True)
        ],
        engine_version="10",
    )


def _record() -> operations_pb2.GetTrackRecordResponse:
    start = date(2026, 6, 1)
    weeks = []
    for week in range(24):
        moved = (week * 7 % 11) / 100
        shares: dict[str, object] = {
            "interval80": 0.72 + moved,
            "interval95": 0.9 + moved / 2,
            "winner": 0.8 - 2 * moved,
        }
        shares |= {"direction": 0.4 + 3 * moved, "confidence": share(0.5 + 2 * moved, 40, said=0.66)}
        by = {"12m": accuracy(10 + week, **shares)}
        if week % 5 != 3:
            by["7d"] = accuracy(5, **shares)
        weeks.append((str(start + timedelta(weeks=week)), accuracy(15 + week, **shares), by))
    of_bins = bins(
        (0, 61, 0.43, 0.46),
        (50, 182, 0.55, 0.51),
        (60, 301, 0.65, 0.66),
        (70, 224, 0.74, 0.7),
        (80, 56, 0.83, 0.9),
    )
    total = accuracy(412, confidence=share(0.65, 824, said=0.66), confidence_bins=of_bins)
    return record(total, *weeks, t7d=accuracy(112, interval80=0.93), t12m=accuracy(300, interval80=0.71))


def _actions() -> list[operations_pb2.OperatorAction]:
    done = [
        action({"jobId": 42}),
        action({"status": "failed", "errorReason": "cache-unavailable"}, operation_id=9, count=1_284),
        action({"slug": "tea-vs-coffee", "tf": "12m", "geo": ""}, "trigger", operator="secret", reason="", count=1),
        action({"state": "cold", "requested": True}, "warm", operation_id=8, count=312, reason="before the launch"),
        action({"jobId": 7}, "run", operator="Grace", reason="a customer waits for it, see the ticket of this morning"),
    ]
    for rank, each in enumerate(done):
        each.id, each.request_id = 900 - rank, f"6f1c0a{rank}e-5d1b-4c57"
        each.at.CopyFrom(moment(f"2026-11-30T13:0{9 - rank}:0{rank}"))
    return done
