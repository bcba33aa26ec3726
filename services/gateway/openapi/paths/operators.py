"""Bulk operations, coverage, the track record, schedules and the audit."""

from __future__ import annotations

from services.gateway.bodies.operators.coverage import FILTER_STATES
from services.gateway.bodies.operators.schedules import SCHEDULES
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
from services.gateway.openapi.schemas import TIMEFRAME
from services.gateway.openapi.shapes import Schema, ref, text

_ID = id_in_path("operation id")
_FILTER = [
    query("state", text("failed ones are cold too", enum=list(FILTER_STATES))),
    query("q", text("only comparisons of which either term begins with this", maxLength=200)),
    query("tf", TIMEFRAME),
    query("geo", text("only comparisons of this geo; empty is worldwide")),
    query("requested", {"type": "boolean", "description": "only those requested in the last 7 d", "default": False}),
]


def operator_paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/api/operations/{id}": {
            "get": operation(
                "Show one bulk operation and its progress.",
                answers={200: ("The operation.", "Operation")},
                errors=("service-outdated", "invalid-argument", "not-found"),
                parameters=[_ID],
                guarded=True,
            )
        },
        "/api/operations/{id}/confirm": {
            "post": accepted(
                operation(
                    "Start a prepared operation. Jobs that changed since then are skipped and counted.",
                    answers={202: ("The operation runs.", "Operation")},
                    errors=("service-outdated", "invalid-argument", "not-found", "wrong-state", *WITH_BODY),
                    parameters=[_ID],
                    body={"application/json": ref("Reason")},
                    guarded=True,
                )
            )
        },
        "/api/operations/{id}/abort": {
            "post": operation(
                "Stop an operation after its current batch. What was done stays done.",
                answers={200: ("The operation.", "Operation")},
                errors=("service-outdated", "invalid-argument", "not-found", "wrong-state"),
                parameters=[_ID],
                guarded=True,
            )
        },
        "/api/coverage": {
            "get": operation(
                "List comparisons with the state of their forecasts and their demand, most popular first.",
                answers={200: ("One page.", "CoverageList")},
                errors=("service-outdated", "invalid-argument"),
                parameters=[*_FILTER, LIMIT, CURSOR],
                guarded=True,
            )
        },
        "/api/coverage/summary": {
            "get": operation(
                "Count the comparisons that are fresh, stale and cold, in all and by timeframe.",
                answers={200: ("The counts.", "CoverageSummary")},
                errors=("service-outdated",),
                guarded=True,
            )
        },
        "/api/coverage/warm": {"post": _warm()},
        "/api/track-record": {
            "get": operation(
                "How the forecasts scored in the last year did: in all, by timeframe, by confidence and by week.",
                answers={200: ("The track record.", "TrackRecord")},
                errors=("service-outdated", "invalid-argument"),
                parameters=[
                    query("tf", TIMEFRAME),
                    query("engineVersion", text("only forecasts of this engine version")),
                ],
                guarded=True,
            )
        },
        "/api/schedules": {
            "get": operation(
                "Show the last run of each schedule, or list the last runs of one.",
                answers={200: ("The runs.", "ScheduleRunList")},
                errors=("service-outdated", "invalid-argument"),
                parameters=[query("schedule", text("only runs of this schedule", enum=list(SCHEDULES))), LIMIT],
                guarded=True,
            )
        },
        "/api/audit": {
            "get": operation(
                "List what operators did, newest first.",
                answers={200: ("One page.", "ActionList")},
                errors=("service-outdated", "invalid-argument"),
                parameters=[LIMIT, CURSOR],
                guarded=True,
            )
        },
    }


def _warm() -> Operation:
    dry_run: Schema = {"type": "boolean", "description": "only prepare the operation, and answer a sample"}
    described = operation(
        "Enqueue the current snapshots of all comparisons that match, unless their job is running, in the background. "
        "At least one filter is required, in the query or in the body. With `dryRun` it is only prepared; it "
        "can be confirmed within an hour.",
        answers={
            200: ("With `dryRun`: the prepared operation and a sample of its comparisons.", "PreparedWarming"),
            202: ("The operation runs.", "Operation"),
        },
        errors=("service-outdated", "invalid-argument", *WITH_BODY),
        parameters=[*_FILTER, query("dryRun", {**dry_run, "default": False})],
        guarded=True,
    )
    return optional_body(accepted(described), "Warming")
