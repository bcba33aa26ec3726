"""The gRPC edge of jobs: translates, validates, and leaves the rest to the domain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import Any, NoReturn

import grpc
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from services.common import errors
from services.common.comparison import ComparisonKey, canonical_slug, invalid
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO
from services.jobs.application import refresher
from services.jobs.application.capacity import Capacity
from services.jobs.application.change_feed import Changes
from services.jobs.application.dispatcher import Dispatcher, count_rescued
from services.jobs.application.importer import Importer, ImportRequest
from services.jobs.application.metrics import count_begun
from services.jobs.application.refresher import Refresher
from services.jobs.application.sweeper import Sweeper
from services.jobs.domain.job import EnqueueReason, SweptJob, WarmupJob
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.warmup import Place, WarmupView, eta_seconds
from services.jobs.ingest.points import read_points
from services.jobs.ingest.table import Table
from services.jobs.ingest.trends_csv import read_trends_csv
from services.jobs.postgres.comparisons import Comparisons
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.queue import Queue
from services.jobs.postgres.track_record import TrackRecord
from services.jobs.rpc import mapping, page_tokens

SERVICE = pb.DESCRIPTOR.services_by_name["JobsService"].full_name
# Every RPC that changes state, but those two that the public's calls lead to.
CHANGING = (
    "IngestSnapshot",
    "TriggerWarmup",
    "RunWarmup",
    "Sweep",
    "RequeueJob",
    "RequeueJobs",
    "CancelJob",
    "RefreshForecasts",
    "DeleteOldJobs",
)
GUARDED = frozenset(f"/{SERVICE}/{method}" for method in CHANGING)
# One lasts as long as its runs, the other as long as its watcher.
UNBOUNDED = frozenset({f"/{SERVICE}/RunWarmup", f"/{SERVICE}/WatchWarmups"})

# What is read and not yet stored, some 26 MiB each; others wait as the bytes that they came as.
_IMPORTS_AT_ONCE = 4
_MAX_RUNS = 100
_MAX_DEMAND = 1000
_MAX_COUNT = 100_000  # of one comparison in one report: a gateway at 2,000/s takes 50 s for it
_MAX_BATCH = 100
_MAX_PAGE = 200
_DEFAULT_PAGE = 50
_REASONS = {
    pb.ENQUEUE_REASON_FIRST_CALL: EnqueueReason.FIRST_CALL,
    pb.ENQUEUE_REASON_REFRESH: EnqueueReason.REFRESH,
    pb.ENQUEUE_REASON_CACHE_LOST: EnqueueReason.CACHE_LOST,
}

Context = grpc.aio.ServicerContext[Any, Any]  # of whichever messages


class JobsServicer(jobs_pb2_grpc.JobsServiceServicer):
    """See protos/warmcast/jobs/v1/jobs.proto."""

    def __init__(
        self,
        *,
        importer: Importer,
        comparisons: Comparisons,
        queue: Queue,
        listings: Listings,
        record: TrackRecord,
        changes: Changes,
        dispatcher: Dispatcher,
        sweeper: Sweeper,
        dispatching: bool,
    ) -> None:
        self._importer = importer
        self._comparisons = comparisons
        self._queue = queue
        self._listings = listings
        self._record = record
        self._changes = changes
        self._dispatcher = dispatcher
        self._capacity = Capacity(dispatcher.forecaster_info)
        self._refresher = Refresher(queue, dispatcher.forecaster_info)
        self._sweeper = sweeper
        self._dispatching = dispatching
        self._imports = asyncio.Semaphore(_IMPORTS_AT_ONCE)
        # Of its own: a caller that leaves gives its turn back at once, and its thread reads on.
        self._readers = ThreadPoolExecutor(_IMPORTS_AT_ONCE, thread_name_prefix="import")

    async def IngestSnapshot(self, request: pb.IngestSnapshotRequest, context: Context) -> pb.IngestSnapshotResponse:
        wanted = ImportRequest(
            timeframe=request.timeframe,
            geo=request.geo if request.HasField("geo") else None,
            terms=tuple(request.terms),
            expected_slug=request.expected_slug,
            as_of=request.as_of.ToDatetime(tzinfo=UTC) if request.HasField("as_of") else None,
            source=request.source or ("api" if request.WhichOneof("input") == "series" else "google-trends-csv"),
        )
        async with self._imports:
            # Reading 2 MiB takes a while; other calls go on meanwhile.
            tables = await asyncio.get_running_loop().run_in_executor(self._readers, _read, request)
            snapshot, done = await self._importer.take(tables, wanted)
        if done.warmup_triggered:
            count_begun(EnqueueReason.IMPORT)
        return mapping.ingested(snapshot, done)

    async def ListComparisons(self, request: pb.ListComparisonsRequest, context: Context) -> pb.ListComparisonsResponse:
        limit = _page_size(request.page_size)
        rows = await self._listings.comparisons(limit=limit + 1, after=page_tokens.comparison_place(request.page_token))
        last = rows[limit - 1] if len(rows) > limit else None
        token = page_tokens.encode([last.slug, last.timeframe, last.geo]) if last else ""
        return pb.ListComparisonsResponse(
            comparisons=[mapping.listed_comparison(row) for row in rows[:limit]], next_page_token=token
        )

    async def GetComparison(self, request: pb.GetComparisonRequest, context: Context) -> pb.GetComparisonResponse:
        return mapping.comparison(await self._comparisons.current(_key(request.key)))

    async def GetTrustStats(self, request: pb.GetTrustStatsRequest, context: Context) -> pb.GetTrustStatsResponse:
        return mapping.trust(await self._record.trust())

    async def GetWarmup(self, request: pb.GetWarmupRequest, context: Context) -> pb.GetWarmupResponse:
        return self._warmup(await self._comparisons.view(_key(request.key)))

    async def BatchGetWarmups(self, request: pb.BatchGetWarmupsRequest, context: Context) -> pb.BatchGetWarmupsResponse:
        if len(request.keys) > _MAX_BATCH:
            raise invalid("keys", f"more than {_MAX_BATCH} comparisons in one call")
        views = await self._comparisons.views([_key(key) for key in request.keys])
        # An empty message where there is none.
        return pb.BatchGetWarmupsResponse(
            warmups=[self._warmup(view) if view else pb.GetWarmupResponse() for view in views]
        )

    async def EnqueueWarmup(self, request: pb.EnqueueWarmupRequest, context: Context) -> pb.EnqueueWarmupResponse:
        key = _key(request.key)
        if request.reason not in _REASONS:
            raise invalid("reason", "the reason is missing")
        reason = _REASONS[request.reason]
        begun = await self._queue.enqueue_and_place(
            key, request.data_hash, seen_version=request.seen_version, reason=reason
        )
        if begun is not None:
            count_begun(reason)
            return self._enqueued(*begun, enqueued=True)
        view = await self._comparisons.view(key)
        job = view.job if view.data_hash == request.data_hash else None
        swept: tuple[SweptJob, ...] = ()
        if job and view.overdue and job.version == request.seen_version:
            swept = await self._queue.sweep(job.id)
            count_rescued(swept)
        if swept:
            job, view = swept[0].job, await self._comparisons.view(key)
        place = view.place if job and view.job and view.job.id == job.id else None
        return self._enqueued(job, place, enqueued=bool(swept))

    async def WatchWarmups(
        self, request: pb.WatchWarmupsRequest, context: Context
    ) -> AsyncIterator[pb.WatchWarmupsResponse]:
        async with contextlib.aclosing(self._changes.watch()) as watch:
            async for news in watch:
                yield mapping.news(news)

    async def TriggerWarmup(self, request: pb.TriggerWarmupRequest, context: Context) -> pb.TriggerWarmupResponse:
        key = _key(request.key)
        job = await self._queue.trigger(key, force=request.force)
        if job is not None:
            count_begun(EnqueueReason.BY_HAND)
            return pb.TriggerWarmupResponse(job=mapping.job(job), enqueued=True)
        running = (await self._comparisons.view(key)).job
        return pb.TriggerWarmupResponse(job=mapping.job(running) if running else None, enqueued=False)

    async def ReportDemand(self, request: pb.ReportDemandRequest, context: Context) -> pb.ReportDemandResponse:
        if len(request.demand) > _MAX_DEMAND:
            raise invalid("demand", f"more than {_MAX_DEMAND} comparisons in one report")
        demand: dict[ComparisonKey, int] = {}
        for each in request.demand:
            key = _key(each.key)
            demand[key] = demand.get(key, 0) + _bounded("count", each.count, _MAX_COUNT)
        await self._comparisons.report_demand(demand)
        return pb.ReportDemandResponse()

    async def RunWarmup(self, request: pb.RunWarmupRequest, context: Context) -> pb.RunWarmupResponse:
        most = _bounded("max", request.max or 1, _MAX_RUNS)
        return pb.RunWarmupResponse(jobs=[mapping.job(job) for job in await self._dispatcher.run_now(most)])

    async def Sweep(self, request: pb.SweepRequest, context: Context) -> pb.SweepResponse:
        return mapping.swept(await self._sweeper.sweep())

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        limit = _page_size(request.page_size)
        before = page_tokens.job_place(request.page_token)
        rows = await self._listings.jobs(_filter(request), limit=limit + 1, before=before)
        last = rows[limit - 1] if len(rows) > limit else None
        token = page_tokens.encode([last.created_at.isoformat(), last.id]) if last else ""
        return pb.ListJobsResponse(jobs=[mapping.job(row) for row in rows[:limit]], next_page_token=token)

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        return pb.GetJobResponse(job=mapping.job(await self._job(request.id)))

    async def RequeueJob(self, request: pb.RequeueJobRequest, context: Context) -> pb.RequeueJobResponse:
        jobs = await self._queue.requeue(request.id)
        if not jobs:
            await self._refuse(request.id, "requeued")
        count_begun(EnqueueReason.BY_HAND)
        return pb.RequeueJobResponse(job=mapping.job(jobs[0]))

    async def RequeueJobs(self, request: pb.RequeueJobsRequest, context: Context) -> pb.RequeueJobsResponse:
        limit = _bounded("max", request.max or 100, 1000)
        if request.status not in FROM_PROTO or request.status == pb.JOB_STATUS_RUNNING:
            raise invalid("status", "a status that can be re-queued is needed: queued, ready, failed or cancelled")
        found = await self._listings.jobs(_filter(request), limit=limit, oldest_first=True)
        if not request.dry_run:
            found = await self._queue.requeue(*(job.id for job in found), status=FROM_PROTO[request.status])
            count_begun(EnqueueReason.BY_HAND, len(found))
        return pb.RequeueJobsResponse(jobs=[mapping.job(job) for job in found])

    async def RefreshForecasts(
        self, request: pb.RefreshForecastsRequest, context: Context
    ) -> pb.RefreshForecastsResponse:
        most = _bounded("max", request.max, refresher.MOST) if request.max else None
        return mapping.refreshed(await self._refresher.refresh(most))

    async def DeleteOldJobs(self, request: pb.DeleteOldJobsRequest, context: Context) -> pb.DeleteOldJobsResponse:
        days = _bounded("older_than_days", request.older_than_days, 3650)
        limit = _bounded("max", request.max or 1000, 10_000)
        return pb.DeleteOldJobsResponse(deleted=await self._queue.delete_old(days=days, limit=limit))

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:
        job = await self._queue.cancel(request.id)
        if job is None:
            await self._refuse(request.id, "cancelled")
        return pb.CancelJobResponse(job=mapping.job(job))

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        status = await self._listings.status()
        info = await self._dispatcher.forecaster_info()
        return pb.GetStatusResponse(
            counts=mapping.counts(status),
            oldest_queued_seconds=status.oldest_queued_seconds,
            oldest_running_seconds=status.oldest_running_seconds,
            forecaster_available=info.worker_slots > 0,
            engine_version=info.engine_version,
            worker_slots=info.worker_slots,
            forecaster_cause=info.cause,
            forecaster_replicas=info.replicas,
            dispatcher_enabled=self._dispatching,
            running_here=self._dispatcher.running,
        )

    def _warmup(self, view: WarmupView) -> pb.GetWarmupResponse:
        warmup = mapping.warmup(view)
        if view.job:
            self._tell_place(warmup, view.job, view.place)
        return warmup

    def _enqueued(self, job: WarmupJob | None, place: Place | None, *, enqueued: bool) -> pb.EnqueueWarmupResponse:
        response = pb.EnqueueWarmupResponse(job=mapping.job(job) if job else None, enqueued=enqueued)
        if job and job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
            self._tell_place(response, job, place)
        return response

    def _tell_place(
        self, response: pb.GetWarmupResponse | pb.EnqueueWarmupResponse, job: WarmupJob, place: Place | None
    ) -> None:
        """Queue position and ETA of a job that has a place."""
        if place is None:
            return
        # A runner may have taken it since the row was read; the answer stays of one piece.
        response.queue_position = max(place.position, 1) if job.status is JobStatus.QUEUED else 0
        eta = eta_seconds(place, worker_slots=self._capacity.slots())
        if eta is not None:
            response.eta_seconds = eta

    async def _job(self, job_id: int) -> WarmupJob:
        job = await self._queue.job(job_id)
        if job is None:
            raise WarmcastError(errors.NOT_FOUND, f"there is no job {job_id}")
        return job

    async def _refuse(self, job_id: int, act: str) -> NoReturn:
        job = await self._job(job_id)
        raise WarmcastError(errors.WRONG_STATE, f"job {job_id} is {job.status.value} and cannot be {act}")


def _read(request: pb.IngestSnapshotRequest) -> list[Table]:
    if request.WhichOneof("input") == "files":
        return [
            read_trends_csv(
                file.content,
                file.name,
                pick=request.terms,
                geo=request.geo if request.HasField("geo") else None,
                charset=file.charset,
            )
            for file in request.files.files
        ]
    if request.WhichOneof("input") == "series":
        return [read_points(request.series.terms, [(point.date, _values(point)) for point in request.series.points])]
    raise invalid("input", "there is neither a file nor a series in the request")


def _values(point: pb.SeriesPoint) -> list[float | None]:
    missing = set(point.missing)
    return [None if index in missing else value for index, value in enumerate(point.values)]


def _key(key: pb.ComparisonKey) -> ComparisonKey:
    return ComparisonKey.parse(key.slug, key.timeframe, key.geo)


def _filter(request: pb.ListJobsRequest | pb.RequeueJobsRequest) -> JobFilter:
    return JobFilter(
        status=FROM_PROTO.get(request.status),
        slug=canonical_slug(request.slug) if request.slug else None,
        older_than=_seconds("older_than_seconds", request.older_than_seconds),
        newer_than=_seconds("newer_than_seconds", request.newer_than_seconds),
    )


def _page_size(size: int) -> int:
    return _bounded("page_size", size or _DEFAULT_PAGE, _MAX_PAGE)


def _bounded(field: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise invalid(field, f"{field} is {value}; it must be from 1 to {most}")
    return value


def _seconds(field: str, value: int) -> timedelta | None:
    if value < 0 or value > 10**9:
        raise invalid(field, f"{field} is out of range")
    return timedelta(seconds=value) if value else None
