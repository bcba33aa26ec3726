"""The RPCs of OperationsService that report: statistics, holders, coverage and the track record."""

from __future__ import annotations

from typing import Protocol

from warmcast.jobs.v1 import operations_pb2 as pb
from warmcast.jobs.v1 import operations_pb2_grpc

from services.common.comparison import invalid, parse_timeframe
from services.jobs.domain.accuracy import TrackRecordReport
from services.jobs.domain.reports.coverage import CoverageCursor, CoverageFilter, CoveragePage, CoverageSummary
from services.jobs.domain.reports.holders import Holder
from services.jobs.domain.reports.statistics import WINDOWS, Statistics, Window
from services.jobs.rpc import page_tokens, requests
from services.jobs.rpc.operations import report_mapping as mapping
from services.jobs.rpc.operations.accuracy_mapping import track_record
from services.jobs.rpc.operations.coverage_filter import coverage_filter
from services.jobs.rpc.requests import Context


class CoverageStore(Protocol):
    """See postgres.reports.coverage.Coverage."""

    async def page(self, wanted: CoverageFilter, *, limit: int, after: CoverageCursor | None) -> CoveragePage: ...

    async def summary(self) -> CoverageSummary: ...


class HolderStore(Protocol):
    """See postgres.reports.holders.Holders."""

    async def holders(self) -> list[Holder]: ...


class StatisticsStore(Protocol):
    """See postgres.reports.statistics.AttemptStatistics."""

    async def of(self, window: Window) -> Statistics: ...


class AccuracyStore(Protocol):
    """See postgres.reports.accuracy.AccuracyReports."""

    async def report(self, *, timeframe: str, engine_version: str) -> TrackRecordReport: ...


class ReportsRpc(operations_pb2_grpc.OperationsServiceServicer):
    """Reads only."""

    _coverage: CoverageStore
    _holders: HolderStore
    _statistics: StatisticsStore
    _accuracy: AccuracyStore

    async def ListHolders(self, request: pb.ListHoldersRequest, context: Context) -> pb.ListHoldersResponse:
        return pb.ListHoldersResponse(holders=[mapping.holder(each) for each in await self._holders.holders()])

    async def ListCoverage(self, request: pb.ListCoverageRequest, context: Context) -> pb.ListCoverageResponse:
        wanted = coverage_filter(request.filter)
        limit = requests.page_size(request.page_size)
        after = page_tokens.coverage_cursor(request.page_token)
        if wanted is None:
            return pb.ListCoverageResponse()
        page = await self._coverage.page(wanted, limit=limit, after=after)
        return pb.ListCoverageResponse(
            comparisons=[mapping.covered_comparison(each) for each in page.comparisons],
            next_page_token=page_tokens.encode(page.after) if page.after else "",
            engine_version=page.engine_version,
        )

    async def GetStatistics(self, request: pb.GetStatisticsRequest, context: Context) -> pb.GetStatisticsResponse:
        hours = request.window_hours or min(WINDOWS)
        if hours not in WINDOWS:
            raise invalid("window_hours", f"window_hours is {hours}; one of {', '.join(map(str, WINDOWS))}")
        return mapping.statistics(await self._statistics.of(WINDOWS[hours]))

    async def GetCoverageSummary(
        self, request: pb.GetCoverageSummaryRequest, context: Context
    ) -> pb.GetCoverageSummaryResponse:
        return mapping.coverage_summary(await self._coverage.summary())

    async def GetTrackRecord(self, request: pb.GetTrackRecordRequest, context: Context) -> pb.GetTrackRecordResponse:
        report = await self._accuracy.report(
            timeframe=parse_timeframe(request.timeframe).name if request.timeframe else "",
            engine_version=requests.word("engine_version", request.engine_version) or "",
        )
        return track_record(report)
