"""Routes that read statistics, holders, coverage, the track record, schedules and the audit."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import invalid
from services.gateway.bodies.operators.coverage import coverage_list, coverage_summary
from services.gateway.bodies.operators.operations import action_list
from services.gateway.bodies.operators.schedules import SCHEDULES, schedule_run_list
from services.gateway.bodies.operators.statistics import WINDOWS, holder_list, statistics
from services.gateway.bodies.operators.track_record import track_record
from services.gateway.routes.operators.filters import coverage_filter, coverage_from_query
from services.gateway.routes.requests import parameters
from services.gateway.routes.responses import json_response
from services.gateway.upstream.operations import Operations


@dataclass(frozen=True)
class ReadingRoutes:
    """/api/jobs/stats, /api/jobs/holders, /api/coverage, /api/track-record, /api/schedules and /api/audit."""

    operations: Operations

    async def statistics(self, request: Request) -> Response:
        """Throughput, percentiles and outcomes of one window."""
        window = parameters.single(request.query_params, "window") or "1h"
        if window not in WINDOWS:
            raise invalid("window", f"window must be one of {', '.join(WINDOWS)}")
        return json_response(statistics(await self.operations.statistics(WINDOWS[window])))

    async def holders(self, _request: Request) -> Response:
        """The processes that hold leases."""
        return json_response(holder_list(await self.operations.list_holders()))

    async def coverage(self, request: Request) -> Response:
        """One page of comparisons with the state of their forecasts."""
        query = request.query_params
        found = await self.operations.list_coverage(
            coverage_filter(coverage_from_query(query)), limit=parameters.limit(query), cursor=parameters.cursor(query)
        )
        return json_response(coverage_list(found))

    async def coverage_summary(self, _request: Request) -> Response:
        """How many comparisons are warm."""
        return json_response(coverage_summary(await self.operations.coverage_summary()))

    async def track_record(self, request: Request) -> Response:
        """How the forecasts that were scored in the last year did, in all and by week."""
        query = request.query_params
        found = await self.operations.track_record(
            timeframe=parameters.timeframe(query) or "", engine_version=parameters.single(query, "engineVersion") or ""
        )
        return json_response(track_record(found))

    async def schedules(self, request: Request) -> Response:
        """The last run of each schedule, or the last runs of one."""
        query = request.query_params
        schedule = parameters.single(query, "schedule") or ""
        if schedule and schedule not in SCHEDULES:
            raise invalid("schedule", f"schedule must be one of {', '.join(SCHEDULES)}")
        found = await self.operations.list_schedule_runs(schedule, limit=parameters.limit(query))
        return json_response(schedule_run_list(found))

    async def audit(self, request: Request) -> Response:
        """One page of what operators did."""
        query = request.query_params
        found = await self.operations.list_actions(limit=parameters.limit(query), cursor=parameters.cursor(query))
        return json_response(action_list(found))
