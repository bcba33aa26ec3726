"""The gRPC services, as their clients see them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """The properties of a service that its channels use."""

    name: str  # full, as in the proto
    called: str  # in messages for people
    idempotent: tuple[str, ...]  # methods that gRPC may retry by itself


# Reads only. A retried enqueue or import would report that another caller was first, and the result of a retried
# RunWarmup's first run would be lost.
JOBS = Service(
    "warmcast.jobs.v1.JobsService",
    "jobs",
    (
        "GetWarmup",
        "BatchGetWarmups",
        "ListComparisons",
        "SearchComparisons",
        "GetComparison",
        "GetTrustStats",
        "ListJobs",
        "GetJob",
        "GetStatus",
        "PreviewSnapshot",
    ),
)
OPERATIONS = Service(
    "warmcast.jobs.v1.OperationsService",
    "jobs",
    (
        "ListAttempts",
        "GetStatistics",
        "ListHolders",
        "ListCoverage",
        "GetCoverageSummary",
        "GetTrackRecord",
        "ListScheduleRuns",
        "ListActions",
        "GetBulkOperation",
    ),
)
FORECASTER = Service(
    "warmcast.forecaster.v1.ForecasterService",
    "the forecaster",
    ("GetForecasts", "CheckForecasts", "Describe", "InspectKeys"),
)
