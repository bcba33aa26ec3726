"""domain → protobuf, for the responses of the jobs service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common.comparison import TIMEFRAMES
from services.common.job_status import JobStatus
from services.common.rpc.job_status import TO_PROTO
from services.jobs.application.capacity import Capacity
from services.jobs.application.change_feed import ChangeBatch
from services.jobs.application.enqueue import EnqueueResult
from services.jobs.application.refresher import Refreshed
from services.jobs.application.sweeper import Swept
from services.jobs.domain.comparison import ComparisonSummary, CurrentSnapshot, ImportResult, ListedComparison
from services.jobs.domain.forecaster import ForecasterReplica
from services.jobs.domain.job import WarmupJob
from services.jobs.domain.queue import QueueStatus
from services.jobs.domain.signals import Signals, term_stats
from services.jobs.domain.snapshot import ImportedData, ImportedSnapshot
from services.jobs.domain.trust import Trust, TrustPeriod, TrustStats
from services.jobs.domain.warmup import Place, WarmupView, eta_seconds
from services.jobs.ingest.preview import Preview

_MAX_JOBS = 1000


def job(row: WarmupJob) -> pb.WarmupJob:
    """One warmup job."""
    return pb.WarmupJob(
        id=row.id,
        slug=row.slug,
        timeframe=row.timeframe,
        geo=row.geo,
        data_hash=row.data_hash,
        status=TO_PROTO[row.status],
        attempts=row.attempts,
        last_error=row.last_error or "",
        debug_id=row.debug_id,
        version=row.version,
        lease_id=row.lease_id,
        priority=row.priority,
        engine_version=row.engine_version or "",
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        queued_at=row.queued_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        not_before=row.not_before,
        lease_expires_at=row.lease_expires_at,
        cooldown_until=row.cooldown_until,
        holder=(row.holder or "") if row.status is JobStatus.RUNNING else "",
        # A replica of an older release clears the error alone.
        error_reason=(row.error_reason or "") if row.last_error else "",
        requeues=row.requeues,
    )


def warmup(view: WarmupView, capacity: Capacity) -> pb.GetWarmupResponse:
    """The state of a warmup."""
    signals_a, signals_b = map(signals, view.signals)
    response = pb.GetWarmupResponse(
        slug=view.key.slug,
        term_a=view.terms[0],
        term_b=view.terms[1],
        timeframe=view.key.timeframe,
        geo=view.key.geo,
        data_hash=view.data_hash,
        previous_data_hash=view.previous_data_hash or "",
        previous_engine_version=view.previous_engine_version or "",
        signals_a=signals_a,
        signals_b=signals_b,
        job=job(view.job) if view.job else None,
        overdue=view.overdue,
        deferred=view.deferred,
        cooling_down=view.cooldown_seconds > 0,
        cooldown_seconds=view.cooldown_seconds,
    )
    if view.job:
        _set_place(response, view.job, view.place, capacity)
    return response


def enqueued(result: EnqueueResult, capacity: Capacity) -> pb.EnqueueWarmupResponse:
    """The job after an enqueue."""
    response = pb.EnqueueWarmupResponse(job=job(result.job) if result.job else None, enqueued=result.enqueued)
    if result.job and result.job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        _set_place(response, result.job, result.place, capacity)
    return response


def change_batch(batch: ChangeBatch) -> pb.WatchWarmupsResponse:
    """One message of the stream of changes."""
    changes = [
        pb.WarmupChange(
            key=pb.ComparisonKey(slug=change.key.slug, timeframe=change.key.timeframe, geo=change.key.geo),
            data_hash=change.data_hash,
            status=TO_PROTO[change.status],
            version=change.version,
            job_id=change.job_id,
        )
        for change in batch.changes
    ]
    return pb.WatchWarmupsResponse(changes=changes, missed=batch.missed)


def ingested(snapshot: ImportedSnapshot, result: ImportResult) -> pb.IngestSnapshotResponse:
    """The stored snapshot, and what storing it changed."""
    response = _imported(snapshot)
    response.terms[:] = result.terms
    response.created = result.created
    response.warmup_triggered = result.warmup_triggered
    return response


def previewed(preview: Preview) -> pb.PreviewSnapshotResponse:
    """What an import would store, and each column that was read."""
    snapshot = _imported(preview.data)
    snapshot.created = preview.created
    columns = [pb.ImportColumn(**asdict(column)) for column in preview.columns]
    return pb.PreviewSnapshotResponse(snapshot=snapshot, columns=columns)


def listed_comparison(row: ListedComparison) -> pb.Comparison:
    """One row of the list of comparisons."""
    return pb.Comparison(
        slug=row.slug,
        terms=(row.term_a, row.term_b),
        timeframe=row.timeframe,
        geo=row.geo,
        data_hash=row.data_hash,
        points=row.points,
        first=row.first,
        last=row.last,
        updated_at=row.updated_at,
    )


def comparison_summary(row: ComparisonSummary) -> pb.ComparisonSummary:
    """What a list shows of one comparison."""
    return pb.ComparisonSummary(
        comparison=listed_comparison(row.listed),
        scaled_apart=row.scaled_apart,
        values_a=row.values_a,
        values_b=row.values_b,
        status=TO_PROTO[row.status] if row.status else pb.JOB_STATUS_UNSPECIFIED,
        last_ready_at=row.last_ready_at,
        leader=row.leader,
    )


def comparison(current: CurrentSnapshot) -> pb.GetComparisonResponse:
    """Series, signals and stats of one comparison."""
    snapshot = current.snapshot
    signals_a, signals_b = map(signals, current.signals)
    return pb.GetComparisonResponse(
        comparison=pb.Comparison(
            slug=snapshot.slug,
            terms=snapshot.terms,
            timeframe=snapshot.timeframe,
            geo=snapshot.geo,
            data_hash=snapshot.data_hash,
            points=len(snapshot.times),
            first=snapshot.times[0],
            last=snapshot.times[-1],
            updated_at=current.updated_at,
        ),
        points=[
            pb.ComparisonPoint(time=time, value_a=a, value_b=b)
            for time, a, b in zip(snapshot.times, snapshot.values_a, snapshot.values_b, strict=True)
        ],
        signals_a=signals_a,
        signals_b=signals_b,
        partial_last_period=snapshot.partial_last_period,
        scaled_apart=snapshot.scaled_apart,
        source=snapshot.source,
        as_of=snapshot.as_of,
        stats_a=_stats(snapshot.values_a),
        stats_b=_stats(snapshot.values_b),
    )


def refreshed(result: Refreshed) -> pb.RefreshForecastsResponse:
    """What a refresh enqueued; at most 1,000 of its jobs, because the size of a message is limited."""
    return pb.RefreshForecastsResponse(
        jobs=[job(each) for each in result.jobs[:_MAX_JOBS]],
        enqueued=len(result.jobs),
        limit=result.limit.max_queued,
        left_due=result.left_due,
        worker_slots=result.limit.worker_slots,
        mean_run_seconds=result.limit.mean_run_seconds,
    )


def swept(result: Swept) -> pb.SweepResponse:
    """What a sweep re-queued and audited."""
    return pb.SweepResponse(
        requeued=[pb.SweptJob(job=job(each.job), cause=each.cause.value) for each in result.requeued],
        audited=result.audited,
        audit_skipped=result.audit_skipped,
    )


def counts(status: QueueStatus) -> list[pb.StatusCount]:
    """Jobs by status, in the order of the state machine."""
    return [pb.StatusCount(status=TO_PROTO[each], count=count) for each, count in status.counts.items()]


def replica(of: ForecasterReplica) -> pb.ForecasterReplica:
    """One replica of the forecaster."""
    return pb.ForecasterReplica(
        address=of.address.removeprefix("ipv4:"),
        engine_version=of.engine_version,
        worker_slots=of.worker_slots,
        busy_slots=of.busy_slots,
        cause=of.cause,
        cache_state=of.cache_state.value,
    )


def trust(stats: Trust) -> pb.GetTrustStatsResponse:
    """How accurate past forecasts were."""
    return pb.GetTrustStatsResponse(total=_trust_period(stats.total), last_90_days=_trust_period(stats.recent))


def signals(of: Signals) -> pb.TermSignals:
    """One term's signals."""
    return pb.TermSignals(
        trend=of.trend,
        volatility=of.volatility,
        seasonality=of.seasonality,
        last_value=of.last_value,
        change4=of.change4,
    )


def _imported(data: ImportedData | ImportedSnapshot) -> pb.IngestSnapshotResponse:
    response = pb.IngestSnapshotResponse(
        timeframe=data.timeframe,
        geo=data.geo,
        points=len(data.times),
        first=data.times[0],
        last=data.times[-1],
        cleaned=[pb.Cleaning(what=what, count=count) for what, count in data.cleaned],
        partial_last_period=data.partial_last_period,
        geo_assumed=data.geo_assumed,
        as_of=data.as_of,
        step=TIMEFRAMES[data.timeframe].step,
    )
    if isinstance(data, ImportedSnapshot):
        response.slug = data.slug
        response.terms[:] = data.terms
        response.data_hash = data.data_hash
        response.scaled_apart = data.scaled_apart
    return response


def _set_place(
    response: pb.GetWarmupResponse | pb.EnqueueWarmupResponse, row: WarmupJob, place: Place | None, capacity: Capacity
) -> None:
    if place is None:
        return
    # The row and its place may be read at different moments: a queued job has a position of at least 1.
    response.queue_position = max(place.position, 1) if row.status is JobStatus.QUEUED else 0
    eta = eta_seconds(place, worker_slots=capacity.slots())
    if eta is not None:
        response.eta_seconds = eta


def _stats(values: Sequence[float]) -> pb.TermStats:
    stats = term_stats(values)
    return pb.TermStats(
        mean=stats.mean,
        minimum=stats.minimum,
        maximum=stats.maximum,
        standard_deviation=stats.standard_deviation,
    )


def _trust_period(of: TrustPeriod) -> pb.TrustPeriod:
    return pb.TrustPeriod(
        overall=trust_stats(of.overall),
        timeframes=[
            pb.TimeframeTrust(timeframe=name, stats=trust_stats(stats)) for name, stats in of.timeframes.items()
        ],
    )


def trust_stats(of: TrustStats) -> pb.TrustStats:
    """Shares and means."""
    return pb.TrustStats(**asdict(of))
