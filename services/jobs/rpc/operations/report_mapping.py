"""domain → protobuf, for reports."""

from __future__ import annotations

from dataclasses import asdict

from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common.rpc.job_status import TO_PROTO
from services.jobs.domain.reports.coverage import CoverageCount, CoverageSummary, CoveredComparison
from services.jobs.domain.reports.holders import HeldJob, Holder
from services.jobs.domain.reports.statistics import Statistics
from services.jobs.rpc.mapping import listed_comparison


def holder(of: Holder) -> pb.Holder:
    """A process with its runs."""
    return pb.Holder(
        holder=of.name,
        running=of.running,
        oldest_claimed_at=of.oldest_claimed_at,
        shortest_lease_seconds=of.shortest_lease_seconds,
        jobs=[_held_job(each) for each in of.jobs],
    )


def statistics(of: Statistics) -> pb.GetStatisticsResponse:
    """The statistics of a window."""
    response = pb.GetStatisticsResponse(
        window_hours=of.window.hours,
        to=of.end,
        bucketed=of.bucketed,
        bar_seconds=int(of.window.bar.total_seconds()),
        bars=[pb.ThroughputBar(**asdict(bar)) for bar in of.bars],
        wait=pb.Percentiles(**asdict(of.wait)),
        run=pb.Percentiles(**asdict(of.run)),
        outcomes=[
            pb.OutcomeCount(outcome=outcome, error_reason=reason, count=count) for outcome, reason, count in of.outcomes
        ],
        late_results_refused=of.late_results_refused,
        rescues=[pb.CauseCount(cause=cause, count=count) for cause, count in of.rescues],
        cache_losses=of.cache_losses,
    )
    getattr(response, "from").FromDatetime(of.begin)  # a keyword of Python
    return response


def covered_comparison(of: CoveredComparison) -> pb.CoveredComparison:
    """One comparison with the state of its forecasts."""
    return pb.CoveredComparison(
        comparison=listed_comparison(of.listed),
        state=of.state.name_of_any,
        stale_because=of.state.staleness or "",
        status=TO_PROTO[of.status] if of.status else jobs_pb2.JOB_STATUS_UNSPECIFIED,
        job_id=of.job_id or 0,
        last_ready_at=of.last_ready_at,
        fresh_until=of.fresh_until,
        warm_until=of.warm_until,
        demand=of.demand,
        last_requested_at=of.last_requested_at,
    )


def coverage_summary(of: CoverageSummary) -> pb.GetCoverageSummaryResponse:
    """Counts of comparisons by the state of their forecasts."""
    return pb.GetCoverageSummaryResponse(
        all=_count(of.all),
        requested=_count(of.requested),
        timeframes=[pb.TimeframeCoverage(timeframe=name, count=_count(each)) for name, each in of.timeframes.items()],
        engine_version=of.engine_version,
    )


def _held_job(of: HeldJob) -> pb.HeldJob:
    return pb.HeldJob(
        job_id=of.job_id,
        key=jobs_pb2.ComparisonKey(**of.key._asdict()),
        lease_id=of.lease_id,
        attempt=of.attempt,
        claimed_at=of.claimed_at,
        lease_seconds=of.lease_seconds,
    )


def _count(of: CoverageCount) -> pb.CoverageCount:
    return pb.CoverageCount(comparisons=of.comparisons, stale=of.stale, **asdict(of))
