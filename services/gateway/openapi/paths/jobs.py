"""Warmup jobs: listed, shown, changed one by one and by filter."""

from __future__ import annotations

from services.gateway.bodies.operators.statistics import WINDOWS
from services.gateway.openapi.paths.operations import (
    CURSOR,
    LIMIT,
    WITH_BODY,
    Operation,
    accepted,
    id_in_path,
    operation,
    optional_body,
    query,
)
from services.gateway.openapi.schemas import STATUS, TIMEFRAME
from services.gateway.openapi.shapes import Schema, integer, text
from services.gateway.routes.warmups import MAX_RUN_JOBS

_ID = id_in_path("job id")
_FILTER = [
    query("status", text(enum=STATUS)),
    query("slug", text("only jobs of this slug")),
    query("tf", TIMEFRAME),
    query("geo", text("only jobs of this geo; empty is worldwide")),
    query("reason", text("only jobs whose episode began for this reason, such as refresh")),
    query("errorReason", text("only jobs whose last error has this reason, such as unavailable")),
    query("engineVersion", text("only jobs that last became ready with this engine version")),
    query("olderThan", text("only jobs that were created longer ago: 90 (seconds), 5m, 2h, 7d")),
    query("newerThan", text("only jobs that were created within this time, in the same form")),
]


def job_paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/api/jobs": {
            "get": operation(
                "List the warmup jobs, newest first.",
                answers={200: ("One page.", "JobList")},
                errors=("invalid-argument",),
                parameters=[*_FILTER, LIMIT, CURSOR],
                guarded=True,
            )
        },
        "/api/jobs/run-warmup": {
            "post": operation(
                "Claim and run the oldest queued jobs. A client that disconnects does not cancel the run.",
                answers={200: ("The jobs that ran.", "Run")},
                errors=("invalid-argument",),
                parameters=[query("max", integer("most jobs to run", minimum=1, maximum=MAX_RUN_JOBS, default=1))],
                guarded=True,
            )
        },
        "/api/jobs/sweep": {
            "post": operation(
                "Re-queue stuck jobs, then audit ready ones against the cache.",
                answers={200: ("The re-queued jobs, with causes.", "Sweep")},
                guarded=True,
            )
        },
        "/api/jobs/cancel": {
            "post": _bulk("Cancel all queued and running jobs that match, in the background."),
        },
        "/api/jobs/requeue": {
            "post": _bulk("Re-queue all jobs that match and are not running, in the background."),
        },
        "/api/jobs/stats": {
            "get": operation(
                "Throughput, percentiles of waits and runs, and outcomes of the last 1 h, 6 h, 24 h or 7 d.",
                answers={200: ("The statistics.", "Statistics")},
                errors=("service-outdated", "invalid-argument"),
                parameters=[query("window", text(enum=list(WINDOWS), default="1h"))],
                guarded=True,
            )
        },
        "/api/jobs/holders": {
            "get": operation(
                "List the processes that hold leases, and the jobs that they run.",
                answers={200: ("The holders.", "HolderList")},
                errors=("service-outdated",),
                guarded=True,
            )
        },
        "/api/jobs/{id}": {"get": _job("Show one job.", changes=False)},
        "/api/jobs/{id}/attempts": {
            "get": operation(
                "List the attempts of one job that have ended, newest first.",
                answers={200: ("One page.", "AttemptList")},
                errors=("service-outdated", "invalid-argument", "not-found"),
                parameters=[_ID, LIMIT, CURSOR],
                guarded=True,
            )
        },
        "/api/jobs/{id}/run": {
            "post": _job(
                "Claim and run one job at once; one that is not queued is queued again first. A client that "
                "disconnects does not cancel the run.",
                more_errors=("service-outdated",),
            )
        },
        "/api/jobs/{id}/requeue": {"post": _job("Re-queue one job.")},
        "/api/jobs/{id}/cancel": {"post": _job("Cancel one queued or running job.")},
    }


def _job(summary: str, *, changes: bool = True, more_errors: tuple[str, ...] = ()) -> Operation:
    described = operation(
        summary,
        answers={200: ("The job.", "Job")},
        errors=(*more_errors, "invalid-argument", "not-found", *(("wrong-state", *WITH_BODY) if changes else ())),
        parameters=[_ID],
        guarded=True,
    )
    return optional_body(described, "Reason") if changes else described


def _bulk(summary: str) -> Operation:
    dry_run: Schema = {"type": "boolean", "description": "only prepare the operation, and answer a sample"}
    described = operation(
        f"{summary} At least one filter is required, in the query or in the body. With `dryRun` the operation is "
        "only prepared; it can be confirmed within an hour.",
        answers={
            200: ("With `dryRun`: the prepared operation and a sample of its jobs.", "PreparedOperation"),
            202: ("The operation runs.", "Operation"),
        },
        errors=("service-outdated", "invalid-argument", *WITH_BODY),
        parameters=[*_FILTER, query("dryRun", {**dry_run, "default": False})],
        guarded=True,
    )
    return optional_body(accepted(described), "Bulk")
