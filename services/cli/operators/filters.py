"""The options that choose jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common.job_status import JobStatus
from services.common.rpc.job_status import TO_PROTO

_MAX_AGE = 10**9  # seconds
Status = Annotated[str, typer.Option(help=" | ".join(JobStatus))]
Slug = Annotated[str, typer.Option(help="Only jobs of this slug.")]
Timeframe = Annotated[str, typer.Option(help="Only jobs of this timeframe: 7d | 30d | 3m | 12m | 5y | all")]
Geo = Annotated[str | None, typer.Option(help="Only jobs of this geo; empty for worldwide; default: any.")]
EpisodeReason = Annotated[str, typer.Option(help="Only jobs whose episode began for this reason, such as refresh.")]
ErrorReason = Annotated[str, typer.Option(help="Only jobs whose last error has this reason, such as unavailable.")]
EngineVersion = Annotated[str, typer.Option(help="Only jobs that last became ready with this engine version.")]
OlderThan = Annotated[int, typer.Option(min=0, max=_MAX_AGE, help="Only jobs created at least this many seconds ago.")]
NewerThan = Annotated[int, typer.Option(min=0, max=_MAX_AGE, help="Only jobs created at most this many seconds ago.")]


@dataclass(frozen=True)
class Chosen:
    """The values of these options."""

    status: str
    slug: str
    timeframe: str
    geo: str | None
    reason: str
    error_reason: str
    engine_version: str
    older_than: int
    newer_than: int

    def filter(self) -> pb.JobFilter:
        """The filter. Raises BadParameter for an unknown status."""
        return pb.JobFilter(
            status=status_number(self.status),
            slug=self.slug,
            timeframe=self.timeframe,
            geo=self.geo,
            reason=self.reason,
            error_reason=self.error_reason,
            engine_version=self.engine_version,
            older_than_seconds=self.older_than,
            newer_than_seconds=self.newer_than,
        )


def status_number(name: str) -> jobs_pb2.JobStatus.ValueType:
    """The status of an option; unspecified where it is empty."""
    if not name:
        return jobs_pb2.JOB_STATUS_UNSPECIFIED
    if name not in set(JobStatus):
        raise typer.BadParameter(f"one of {', '.join(JobStatus)}", param_hint="--status")
    return TO_PROTO[JobStatus(name)]
