"""The body of the runs of schedules."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import operations_pb2

from services.gateway.bodies.fields import Moment, one_of, timestamp

SCHEDULES = ("run-warmup", "sweep", "refresh", "retention")


class ScheduleRun(msgspec.Struct, rename="camel"):
    """One run of what a schedule calls."""

    schedule: Annotated[str, one_of(SCHEDULES)]
    started_at: Moment | None
    ended_at: Moment | None
    succeeded: bool
    count: Annotated[int, Meta(description="jobs run, re-queued, enqueued or deleted")]
    detail: Annotated[str | None, Meta(description="such as the error, or why an audit was skipped")]


class ScheduleRunList(msgspec.Struct):
    """The last runs."""

    runs: Annotated[list[ScheduleRun], Meta(description="newest first")]


def schedule_run_list(row: operations_pb2.ListScheduleRunsResponse) -> ScheduleRunList:
    """The body of the last runs."""
    return ScheduleRunList(
        [
            ScheduleRun(
                schedule=run.schedule,
                started_at=timestamp(run, "started_at"),
                ended_at=timestamp(run, "ended_at"),
                succeeded=run.succeeded,
                count=run.count,
                detail=run.detail or None,
            )
            for run in row.runs
        ]
    )
