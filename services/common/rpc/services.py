"""Our two gRPC services as their callers know them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """What a channel needs to know of the service at its other end."""

    name: str  # full, as in the proto
    called: str  # in a message for people
    idempotent: tuple[str, ...]  # methods that may be sent twice: gRPC retries them by itself


# Reads alone: a retried enqueue or import would tell its caller that somebody else had been first, and what a retried
# RunWarmup ran the first time would be told to nobody.
JOBS = Service(
    "warmcast.jobs.v1.JobsService",
    "jobs",
    (
        "GetWarmup",
        "BatchGetWarmups",
        "ListComparisons",
        "GetComparison",
        "GetTrustStats",
        "ListJobs",
        "GetJob",
        "GetStatus",
    ),
)
FORECASTER = Service(
    "warmcast.forecaster.v1.ForecasterService", "the forecaster", ("GetForecasts", "CheckForecasts", "Describe")
)
