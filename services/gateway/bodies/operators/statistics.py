"""The bodies of statistics and of the processes that hold leases."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import operations_pb2

from services.gateway.bodies.fields import Moment, Slug, Timeframe, one_of, timestamp
from services.gateway.bodies.operators.attempts import Outcome

WINDOWS = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}  # hours by REST's name
_NAMES = {hours: name for name, hours in WINDOWS.items()}


class ThroughputBar(msgspec.Struct, rename="camel"):
    """The attempts that ended in one bar."""

    start: Moment | None
    ready: int
    retried: Annotated[int, Meta(description="with an error, and queued again")]
    failed: int
    other: Annotated[int, Meta(description="handed back, rescued, cancelled or superseded")]


class Percentiles(msgspec.Struct):
    """Durations in seconds; null where nothing was measured."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class OutcomeCount(msgspec.Struct, rename="camel"):
    """Attempts with one outcome and reason."""

    outcome: Outcome
    error_reason: str | None
    count: int


class CauseCount(msgspec.Struct):
    """Rescues of one cause."""

    cause: Annotated[str, Meta(description="lease-expired or deadline-passed")]
    count: int


class Statistics(msgspec.Struct, rename="camel"):
    """What happened in one window."""

    window: Annotated[str, one_of(WINDOWS)]
    start: Moment | None = msgspec.field(name="from")
    end: Moment | None = msgspec.field(name="to")
    bucketed: Annotated[bool, Meta(description="percentiles are from histograms, within 5 %")]
    bar_seconds: Annotated[int, Meta(description="length of a bar")]
    bars: Annotated[list[ThroughputBar], Meta(description="oldest first, without gaps")]
    wait: Annotated[Percentiles, Meta(description="from due to claimed")]
    run: Annotated[Percentiles, Meta(description="from claimed to ended, of attempts that became ready")]
    outcomes: Annotated[list[OutcomeCount], Meta(description="most frequent first")]
    rescues: list[CauseCount]
    late_results_refused: int
    cache_losses: Annotated[int, Meta(description="episodes that began because bundles were lost")]


class HeldJob(msgspec.Struct, rename="camel"):
    """One running job."""

    job_id: int
    slug: Slug
    timeframe: Timeframe
    geo: str
    lease_id: int
    attempt: int
    claimed_at: Moment | None
    lease_seconds: Annotated[float, Meta(description="seconds left of its lease; below 0 where it has expired")]


class Holder(msgspec.Struct, rename="camel"):
    """One process with leases."""

    holder: str
    running: Annotated[int, Meta(description="its runs, up to 10,000")]
    oldest_claimed_at: Moment | None
    shortest_lease_seconds: float
    jobs: Annotated[list[HeldJob], Meta(description="at most 20, those whose leases end first")]


class HolderList(msgspec.Struct):
    """The processes that hold leases."""

    holders: Annotated[list[Holder], Meta(description="at most 100, most runs first")]


def statistics(row: operations_pb2.GetStatisticsResponse) -> Statistics:
    """The body of one window's statistics."""
    return Statistics(
        window=_NAMES.get(row.window_hours, f"{row.window_hours}h"),
        start=timestamp(row, "from"),
        end=timestamp(row, "to"),
        bucketed=row.bucketed,
        bar_seconds=row.bar_seconds,
        bars=[
            ThroughputBar(timestamp(bar, "start"), bar.ready, bar.retried, bar.failed, bar.other) for bar in row.bars
        ],
        wait=_percentiles(row.wait),
        run=_percentiles(row.run),
        outcomes=[OutcomeCount(each.outcome, each.error_reason or None, each.count) for each in row.outcomes],
        rescues=[CauseCount(each.cause, each.count) for each in row.rescues],
        late_results_refused=row.late_results_refused,
        cache_losses=row.cache_losses,
    )


def holder_list(row: operations_pb2.ListHoldersResponse) -> HolderList:
    """The body of all holders."""
    return HolderList([_holder(each) for each in row.holders])


def _percentiles(row: operations_pb2.Percentiles) -> Percentiles:
    measured = {name: getattr(row, name) if row.HasField(name) else None for name in ("p50", "p95", "p99")}
    return Percentiles(row.count, **measured)


def _holder(row: operations_pb2.Holder) -> Holder:
    held = [
        HeldJob(
            job_id=each.job_id,
            slug=each.key.slug,
            timeframe=each.key.timeframe,
            geo=each.key.geo,
            lease_id=each.lease_id,
            attempt=each.attempt,
            claimed_at=timestamp(each, "claimed_at"),
            lease_seconds=each.lease_seconds,
        )
        for each in row.jobs
    ]
    return Holder(row.holder, row.running, timestamp(row, "oldest_claimed_at"), row.shortest_lease_seconds, held)
