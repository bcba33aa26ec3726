"""The gRPC edge of jobs: translates messages and validates them; the application and the domain hold the rules."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from services.jobs.application import refresher
from services.jobs.application.capacity import Capacity
from services.jobs.application.change_feed import ChangeFeed
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.enqueue import Enqueuer
from services.jobs.application.importer import Importer
from services.jobs.application.operations.schedules import Schedules
from services.jobs.application.refresher import Refreshed, Refresher
from services.jobs.application.sweeper import Sweeper, Swept
from services.jobs.domain.operations import Actor, Outcome, Schedule
from services.jobs.ingest.table import Table
from services.jobs.rpc import mapping, page_tokens, requests
from services.jobs.rpc.requests import Context
from services.jobs.rpc.stores import ComparisonStore, ListingStore, Retention, SearchStore, TrackRecordStore

SERVICE = pb.DESCRIPTOR.services_by_name["JobsService"].full_name
# Every RPC that changes state, except EnqueueWarmup and ReportDemand, which public calls lead to.
CHANGING = (
    "IngestSnapshot",
    "IngestPreviewed",
    "TriggerWarmup",
    "RunWarmup",
    "Sweep",
    "RequeueJob",
    "RequeueJobs",
    "CancelJob",
    "RefreshForecasts",
    "DeleteOldJobs",
)
# A preview takes as much CPU as an import.
GUARDED = frozenset(f"/{SERVICE}/{method}" for method in (*CHANGING, "PreviewSnapshot"))
# RunWarmup lasts as long as its runs, WatchWarmups as long as its subscriber.
UNBOUNDED = frozenset({f"/{SERVICE}/RunWarmup", f"/{SERVICE}/WatchWarmups"})

_MAX_CONCURRENT_IMPORTS = 4  # a parsed import takes up to 26 MiB; others wait as unparsed bytes
_MAX_SUMMARIES = 100  # a page reads the series of each
_MAX_RUNS = 100
_MAX_REQUEUED = 1000
_MAX_DELETED = 10_000
_MAX_DAYS = 3650


class JobsServicer(jobs_pb2_grpc.JobsServiceServicer):
    """See protos/warmcast/jobs/v1/jobs.proto."""

    def __init__(
        self,
        *,
        importer: Importer,
        comparisons: ComparisonStore,
        enqueuer: Enqueuer,
        listings: ListingStore,
        search: SearchStore,
        record: TrackRecordStore,
        retention: Retention,
        change_feed: ChangeFeed,
        dispatcher: Dispatcher,
        refresher: Refresher,
        sweeper: Sweeper,
        schedules: Schedules,
        dispatching: bool,
    ) -> None:
        self._importer = importer
        self._comparisons = comparisons
        self._enqueuer = enqueuer
        self._listings = listings
        self._search = search
        self._record = record
        self._retention = retention
        self._change_feed = change_feed
        self._dispatcher = dispatcher
        self._capacity = Capacity(dispatcher.forecaster_info)
        self._refresher = refresher
        self._sweeper = sweeper
        self._schedules = schedules
        self._dispatching = dispatching
        self._imports = asyncio.Semaphore(_MAX_CONCURRENT_IMPORTS)
        # A pool of its own: a caller that disconnects releases the semaphore while its thread still parses.
        self._parsers = ThreadPoolExecutor(_MAX_CONCURRENT_IMPORTS, thread_name_prefix="import")

    async def IngestSnapshot(self, request: pb.IngestSnapshotRequest, context: Context) -> pb.IngestSnapshotResponse:
        return await self._ingest(request, requests.actor(context, ""))

    async def PreviewSnapshot(self, request: pb.PreviewSnapshotRequest, context: Context) -> pb.PreviewSnapshotResponse:
        wanted = requests.import_request(request.snapshot)
        async with self._imports:
            tables = await self._read_tables(request.snapshot)
            return mapping.previewed(await self._importer.preview(tables, wanted))

    async def IngestPreviewed(self, request: pb.IngestPreviewedRequest, context: Context) -> pb.IngestPreviewedResponse:
        expected = requests.expected_data_hash(request)
        snapshot = await self._ingest(request.snapshot, requests.actor(context, ""), expected)
        return pb.IngestPreviewedResponse(snapshot=snapshot)

    async def ListComparisons(self, request: pb.ListComparisonsRequest, context: Context) -> pb.ListComparisonsResponse:
        search = requests.comparison_search(request.query)
        if search is None:
            return pb.ListComparisonsResponse()
        limit = requests.page_size(request.page_size)
        after = page_tokens.comparison_cursor(request.page_token)
        rows = await self._search.comparisons(search, limit=limit + 1, after=after)
        token = page_tokens.after_comparison(rows[limit - 1]) if len(rows) > limit else ""
        return pb.ListComparisonsResponse(
            comparisons=[mapping.listed_comparison(row) for row in rows[:limit]], next_page_token=token
        )

    async def SearchComparisons(
        self, request: pb.SearchComparisonsRequest, context: Context
    ) -> pb.SearchComparisonsResponse:
        search = requests.comparison_search(request.query, request.slug)
        if search is None:
            return pb.SearchComparisonsResponse()
        limit = requests.page_size(request.page_size, maximum=_MAX_SUMMARIES)
        after = page_tokens.comparison_cursor(request.page_token)
        rows = await self._search.summaries(search, limit=limit + 1, after=after)
        token = page_tokens.after_comparison(rows[limit - 1].listed) if len(rows) > limit else ""
        return pb.SearchComparisonsResponse(
            comparisons=[mapping.comparison_summary(row) for row in rows[:limit]], next_page_token=token
        )

    async def GetComparison(self, request: pb.GetComparisonRequest, context: Context) -> pb.GetComparisonResponse:
        return mapping.comparison(await self._comparisons.current(requests.comparison_key(request.key)))

    async def GetTrustStats(self, request: pb.GetTrustStatsRequest, context: Context) -> pb.GetTrustStatsResponse:
        return mapping.trust(await self._record.trust())

    async def GetWarmup(self, request: pb.GetWarmupRequest, context: Context) -> pb.GetWarmupResponse:
        view = await self._comparisons.view(requests.comparison_key(request.key))
        return mapping.warmup(view, self._capacity)

    async def BatchGetWarmups(self, request: pb.BatchGetWarmupsRequest, context: Context) -> pb.BatchGetWarmupsResponse:
        views = await self._comparisons.views(requests.comparison_keys(request))
        # An empty message represents an unknown comparison.
        return pb.BatchGetWarmupsResponse(
            warmups=[mapping.warmup(view, self._capacity) if view else pb.GetWarmupResponse() for view in views]
        )

    async def EnqueueWarmup(self, request: pb.EnqueueWarmupRequest, context: Context) -> pb.EnqueueWarmupResponse:
        result = await self._enqueuer.enqueue(
            requests.comparison_key(request.key),
            request.data_hash,
            seen_version=request.seen_version,
            reason=requests.enqueue_reason(request.reason),
        )
        return mapping.enqueued(result, self._capacity)

    async def WatchWarmups(
        self, request: pb.WatchWarmupsRequest, context: Context
    ) -> AsyncIterator[pb.WatchWarmupsResponse]:
        async with contextlib.aclosing(self._change_feed.subscribe()) as batches:
            async for batch in batches:
                yield mapping.change_batch(batch)

    async def TriggerWarmup(self, request: pb.TriggerWarmupRequest, context: Context) -> pb.TriggerWarmupResponse:
        actor = requests.actor(context, request.reason)
        key = requests.comparison_key(request.key)
        result = await self._enqueuer.trigger(key, force=request.force, actor=actor)
        job = mapping.job(result.job) if result.job else None
        return pb.TriggerWarmupResponse(job=job, enqueued=result.enqueued)

    async def ReportDemand(self, request: pb.ReportDemandRequest, context: Context) -> pb.ReportDemandResponse:
        await self._comparisons.report_demand(requests.demand(request))
        return pb.ReportDemandResponse()

    async def RunWarmup(self, request: pb.RunWarmupRequest, context: Context) -> pb.RunWarmupResponse:
        max_jobs = requests.bounded("max", request.max or 1, _MAX_RUNS)
        run = self._dispatcher.run_now(max_jobs)
        # Runs continue when the caller has disconnected, and are recorded then too.
        jobs = await self._schedules.run_detached(Schedule.RUN_WARMUP, run, lambda ran: Outcome(len(ran)))
        return pb.RunWarmupResponse(jobs=[mapping.job(job) for job in jobs])

    async def Sweep(self, request: pb.SweepRequest, context: Context) -> pb.SweepResponse:
        sweep = self._sweeper.sweep()
        return mapping.swept(await self._schedules.run(Schedule.SWEEP, sweep, _sweep_outcome))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        limit = requests.page_size(request.page_size)
        before = page_tokens.job_cursor(request.page_token)
        page = await self._listings.page(requests.job_filter(request), limit=limit, before=before)
        token = page_tokens.after_job(page.after) if page.after else ""
        return pb.ListJobsResponse(jobs=map(mapping.job, page.jobs), next_page_token=token)

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        return pb.GetJobResponse(job=mapping.job(await self._enqueuer.job(request.id)))

    async def RequeueJob(self, request: pb.RequeueJobRequest, context: Context) -> pb.RequeueJobResponse:
        return pb.RequeueJobResponse(
            job=mapping.job(await self._enqueuer.requeue(request.id, requests.actor(context, request.reason)))
        )

    async def RequeueJobs(self, request: pb.RequeueJobsRequest, context: Context) -> pb.RequeueJobsResponse:
        limit = requests.bounded("max", request.max or 100, _MAX_REQUEUED)
        jobs = await self._enqueuer.requeue_matching(
            requests.job_filter(request),
            limit=limit,
            dry_run=request.dry_run,
            actor=requests.actor(context, request.reason),
        )
        return pb.RequeueJobsResponse(jobs=[mapping.job(job) for job in jobs])

    async def RefreshForecasts(
        self, request: pb.RefreshForecastsRequest, context: Context
    ) -> pb.RefreshForecastsResponse:
        max_queued = requests.bounded("max", request.max, refresher.MAX_QUEUED) if request.max else None
        refresh = self._refresher.refresh(max_queued)
        return mapping.refreshed(await self._schedules.run(Schedule.REFRESH, refresh, _refresh_outcome))

    async def DeleteOldJobs(self, request: pb.DeleteOldJobsRequest, context: Context) -> pb.DeleteOldJobsResponse:
        days = requests.bounded("older_than_days", request.older_than_days, _MAX_DAYS)
        limit = requests.bounded("max", request.max or 1000, _MAX_DELETED)
        deletion = self._retention.delete_old(days=days, limit=limit)
        return pb.DeleteOldJobsResponse(deleted=await self._schedules.run(Schedule.RETENTION, deletion, Outcome))

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:
        return pb.CancelJobResponse(
            job=mapping.job(await self._enqueuer.cancel(request.id, requests.actor(context, request.reason)))
        )

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        status = await self._listings.status()
        depth = await self._listings.depth()
        info = await self._dispatcher.forecaster_info()
        database = await self._listings.database()
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
            due=depth.due,
            not_due=depth.not_due,
            oldest_due_seconds=depth.oldest_due_seconds,
            database_seconds=database.seconds,
            database_read_only=database.read_only,
            replicas=[mapping.replica(each) for each in self._dispatcher.forecaster_replicas()],
        )

    async def _ingest(
        self, request: pb.IngestSnapshotRequest, actor: Actor, expected_data_hash: str = ""
    ) -> pb.IngestSnapshotResponse:
        wanted = requests.import_request(request, expected_data_hash)
        async with self._imports:
            return mapping.ingested(*await self._importer.ingest(await self._read_tables(request), wanted, actor))

    async def _read_tables(self, request: pb.IngestSnapshotRequest) -> list[Table]:
        # Parsing 2 MiB takes long enough to block other calls.
        return await asyncio.get_running_loop().run_in_executor(self._parsers, requests.read_tables, request)


def _sweep_outcome(swept: Swept) -> Outcome:
    return Outcome(len(swept.requeued), f"audit: {swept.audit_skipped}" if swept.audit_skipped else "")


def _refresh_outcome(refreshed: Refreshed) -> Outcome:
    return Outcome(len(refreshed.jobs), f"still due: {refreshed.left_due}" if refreshed.left_due else "")
