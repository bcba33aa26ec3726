"""Warmup jobs: listed, shown, changed one by one."""

from __future__ import annotations

from services.gateway.openapi.paths.operations import CURSOR, LIMIT, Operation, operation, query
from services.gateway.openapi.schemas import STATUS
from services.gateway.openapi.shapes import Schema, integer, text
from services.gateway.routes.warmups import MAX_RUN_JOBS

_ID: Schema = {"name": "id", "in": "path", "required": True, "schema": integer("job id", minimum=1, examples=[1])}


def job_paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/api/jobs": {
            "get": operation(
                "List the warmup jobs, newest first.",
                answers={200: ("One page.", "JobList")},
                errors=("invalid-argument",),
                parameters=[
                    query("status", text(enum=STATUS)),
                    query("slug", text("only jobs of this slug")),
                    query("olderThan", text("only jobs older than this: 90 (seconds), 5m, 2h, 7d")),
                    query("newerThan", text("only jobs newer than this, in the same form")),
                    LIMIT,
                    CURSOR,
                ],
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
        "/api/jobs/{id}": {"get": _job("Show one job.")},
        "/api/jobs/{id}/requeue": {"post": _job("Re-queue one job.", ("wrong-state",))},
        "/api/jobs/{id}/cancel": {"post": _job("Cancel one queued or running job.", ("wrong-state",))},
    }


def _job(summary: str, more_errors: tuple[str, ...] = ()) -> Operation:
    return operation(
        summary,
        answers={200: ("The job.", "Job")},
        errors=("invalid-argument", "not-found", *more_errors),
        parameters=[_ID],
        guarded=True,
    )
