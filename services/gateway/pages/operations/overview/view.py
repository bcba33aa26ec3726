"""What the overview shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.rpc.job_status import status_name
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.charts.drawing import svg
from services.gateway.pages.charts.operations.sizes import Size
from services.gateway.pages.charts.operations.throughput import Bar, throughput_chart
from services.gateway.pages.operations.overview.alarms import LONGEST_SILENCE, Alarm, alarms
from services.gateway.pages.operations.overview.facts import Facts
from services.gateway.pages.text import capped, duration, number
from services.gateway.pages.words import geo_name

WINDOWS = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}
WINDOW_WORDS = {"1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days"}
_SETTLED = ("ready", "failed", "cancelled")
CAUSES = {"lease-expired": "lease expired", "deadline-passed": "deadline passed"}


@dataclass(frozen=True)
class Stat:
    """One figure with its name."""

    name: str
    value: str
    more: str | Markup = ""  # below it
    path: str = ""  # of the jobs that it counts


@dataclass(frozen=True)
class Throughput:
    """The bars, as a chart of each size and as a table."""

    charts: dict[Size, svg.Markup]
    bars: Sequence[Bar]
    interval: str
    bucketed: bool


@dataclass(frozen=True)
class HeldJob:
    """A run under a lease."""

    id: int
    name: str
    attempt: int
    left: str


@dataclass(frozen=True)
class Holder:
    """A process that holds leases."""

    name: str
    running: str
    since: datetime | None
    left: str  # of the lease that ends first
    jobs: list[HeldJob]


@dataclass(frozen=True)
class Schedule:
    """The last run of a schedule."""

    name: str
    started: datetime | None  # None if no run is recorded
    age: str
    took: str
    result: str
    failed: bool
    detail: str


@dataclass(frozen=True)
class Overview:
    """The page. A part is None where it is unknown."""

    alarms: list[Alarm]
    queue: list[Stat] | None
    window: list[Stat] | None
    throughput: Throughput | None
    outcomes: list[operations_pb2.OutcomeCount] | None
    holders: list[Holder] | None
    replicas: list[jobs_pb2.ForecasterReplica] | None
    stores: list[tuple[str, str]]
    schedules: list[Schedule] | None


def overview(facts: Facts, now: datetime) -> Overview:
    """The page of these facts."""
    status, statistics = facts.status, facts.statistics
    return Overview(
        alarms=alarms(facts, now),
        queue=_queue(status) if status else None,
        window=_window(statistics) if statistics else None,
        throughput=_throughput(statistics) if statistics else None,
        outcomes=list(statistics.outcomes) if statistics else None,
        holders=[_holder(holder) for holder in facts.holders.holders] if facts.holders else None,
        replicas=list(status.replicas) if status else None,
        stores=_stores(status),
        schedules=_schedules(facts.schedules, now) if facts.schedules else None,
    )


def _queue(status: jobs_pb2.GetStatusResponse) -> list[Stat]:
    counts = {status_name(each.status): each.count for each in status.counts}
    settled = Markup(", ").join(
        Markup('<a id="settled-{1}" href="{0}" title="All {1} jobs, of any time">{2} {1}</a>').format(
            _jobs(name), name, capped(counts.get(name, 0))
        )
        for name in _SETTLED
    )
    return [
        Stat("Due", capped(status.due), f"and {capped(status.not_due)} not due yet", _jobs("queued")),
        Stat("Oldest due", duration(status.oldest_due_seconds) if status.due else "none"),
        Stat("Running", capped(counts.get("running", 0)), _oldest_run(status), _jobs("running")),
        Stat("Settled in 24 h", capped(sum(counts.get(name, 0) for name in _SETTLED)), settled),
    ]


def _jobs(status: str) -> str:
    return f"/ops/jobs?status={status}"


def _oldest_run(status: jobs_pb2.GetStatusResponse) -> str:
    return f"the oldest for {duration(status.oldest_running_seconds)}" if status.oldest_running_seconds else ""


def _window(statistics: operations_pb2.GetStatisticsResponse) -> list[Stat]:
    rescues = {each.cause: each.count for each in statistics.rescues}
    by_cause = ", ".join(f"{CAUSES.get(cause, cause)} {number(count)}" for cause, count in rescues.items() if count)
    return [
        _percentiles("Wait", statistics.wait),
        _percentiles("Run", statistics.run),
        Stat("Rescued", number(sum(rescues.values())), by_cause),
        Stat("Late results refused", number(statistics.late_results_refused)),
        Stat("Cache losses", number(statistics.cache_losses), "episodes that began because bundles were lost"),
    ]


def _percentiles(name: str, row: operations_pb2.Percentiles) -> Stat:
    if not row.count or not row.HasField("p95"):
        return Stat(f"{name} p95", "none", "nothing was measured")
    more = f"p50 {duration(row.p50)}, p99 {duration(row.p99)}, {number(row.count)} measured"
    return Stat(f"{name} p95", duration(row.p95), more)


def _throughput(statistics: operations_pb2.GetStatisticsResponse) -> Throughput | None:
    """None where no attempt ended."""
    days = statistics.window_hours > 24
    bars = [
        Bar(
            start := bar.start.ToDatetime(),
            f"{start.day} {start:%b %H:%M}" if days else f"{start:%H:%M}",
            (bar.ready, bar.retried, bar.failed, bar.other),
        )
        for bar in statistics.bars
    ]
    if not any(count for bar in bars for count in bar.counts):
        return None
    interval = duration(statistics.bar_seconds) if statistics.bar_seconds != 60 else "minute"
    title = f"Ended attempts per {interval}"
    return Throughput(
        charts={size: throughput_chart(bars, size, title=title) for size in Size},
        bars=bars,
        interval=interval,
        bucketed=statistics.bucketed,
    )


def _holder(row: operations_pb2.Holder) -> Holder:
    jobs = [HeldJob(job.job_id, _name(job), job.attempt, _left(job.lease_seconds)) for job in row.jobs]
    return Holder(
        name=row.holder,
        running=capped(row.running),
        since=timestamp(row, "oldest_claimed_at"),
        left=_left(row.shortest_lease_seconds),
        jobs=jobs,
    )


def _name(job: operations_pb2.HeldJob) -> str:
    return f"{job.key.slug} {job.key.timeframe} {geo_name(job.key.geo)}"


def _left(seconds: float) -> str:
    return f"expired {duration(-seconds)} ago" if seconds < 0 else f"{duration(seconds)} left"


def _stores(status: jobs_pb2.GetStatusResponse | None) -> list[tuple[str, str]]:
    if status is None:
        return [("PostgreSQL", "unknown"), ("Redis", "unknown")]
    states = {replica.cache_state.replace("-", " ") for replica in status.replicas} - {"unknown"}
    mode = "read-only, " if status.database_read_only else ""
    return [
        ("PostgreSQL", f"{mode}answers in {duration(status.database_seconds)}"),
        ("Redis", f"{', '.join(sorted(states))}, as the forecasters say" if states else "unknown"),
    ]


def _schedules(listed: operations_pb2.ListScheduleRunsResponse, now: datetime) -> list[Schedule]:
    runs = {run.schedule: run for run in listed.runs}
    names = (*LONGEST_SILENCE, *sorted(runs.keys() - LONGEST_SILENCE.keys()))
    return [_schedule(name, runs.get(name), now) for name in names]


def _schedule(name: str, run: operations_pb2.ScheduleRun | None, now: datetime) -> Schedule:
    if run is None:
        return Schedule(name, None, "", "", "no run recorded", failed=False, detail="")
    started, ended = timestamp(run, "started_at"), timestamp(run, "ended_at")
    took = duration((ended - started).total_seconds()) if started and ended else ""
    words = {"run-warmup": "run", "sweep": "re-queued", "refresh": "enqueued", "retention": "deleted"}
    result = f"{number(run.count)} {words.get(name, 'changed')}" if run.succeeded else "failed"
    age = duration(max(0.0, (now - started).total_seconds())) if started else ""
    return Schedule(name, started, age, took, result, failed=not run.succeeded, detail=run.detail)
