"""What is wrong now, each with its section of the runbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.gateway.bodies.fields import timestamp
from services.gateway.pages.operations.overview.facts import Facts
from services.gateway.pages.text import capped, duration, sentence

# As in the alerts of deploy/k8s/components/monitoring/rules.yaml.
LONGEST_SILENCE: Final = {"run-warmup": 20 * 60, "sweep": 30 * 60, "refresh": 3_600, "retention": 26 * 3_600}
_OLD_SECONDS = 300.0


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong, while it is."""

    what: str
    effect: str
    section: str  # of docs/how-to/handle-alerts.md


def alarms(facts: Facts, now: datetime) -> list[Alarm]:
    """All that is wrong, the worst first."""
    found = [
        Alarm(sentence(detail), "Jobs is away, or PostgreSQL is. Below is what is known without it.", "WarmcastFailing")
        for detail in dict.fromkeys(error.detail for error in facts.errors)
    ]
    runs = {run.schedule: run for run in facts.schedules.runs} if facts.schedules else {}
    if facts.status is not None:
        found += _of_status(facts.status, runs.get("run-warmup"), now)
    found += _of_schedules(runs, now, dispatched=facts.status is not None and facts.status.dispatcher_enabled)
    return found


def _of_status(
    status: jobs_pb2.GetStatusResponse, run_warmup: operations_pb2.ScheduleRun | None, now: datetime
) -> Iterator[Alarm]:
    waiting = _waiting(status.due)
    if status.database_read_only:
        yield Alarm(
            "PostgreSQL is read-only",
            "Nothing is enqueued, claimed or recorded. DATABASE_URL must name the primary.",
            "WarmcastQueueIsOld",
        )
    states = {replica.cache_state for replica in status.replicas}
    if not status.forecaster_available:
        if "refuses-writes" in states:
            yield Alarm(f"The cache refuses writes: {status.forecaster_cause}", waiting, "WarmcastCacheRefusesWrites")
        elif "unavailable" in states:
            yield Alarm(f"The cache is away: {status.forecaster_cause}", waiting, "WarmcastFailing")
        else:
            cause = f": {status.forecaster_cause}" if status.forecaster_cause else ""
            yield Alarm(f"No forecaster accepts runs{cause}", waiting, "WarmcastQueueIsOld")
    elif status.forecaster_cause:
        yield Alarm(
            f"Not all forecasters accept runs: {status.forecaster_cause}", "The others work on.", "WarmcastQueueIsOld"
        )
    if not status.dispatcher_enabled and _silence(run_warmup, now) > LONGEST_SILENCE["run-warmup"]:
        yield Alarm(
            "No runner", f"DISPATCHER_ENABLED is false, and run-warmup does not run. {waiting}", "WarmcastQueueIsOld"
        )
    if status.oldest_due_seconds > _OLD_SECONDS:
        yield Alarm(
            f"A job has been due for {duration(status.oldest_due_seconds)}",
            "1 job is due." if status.due == 1 else f"{capped(status.due)} jobs are due.",
            "WarmcastQueueIsOld",
        )


def _waiting(due: int) -> str:
    """The effect on jobs while nothing runs them."""
    if not due:
        return "No job is due."
    return "1 due job waits, and loses nothing." if due == 1 else f"{capped(due)} due jobs wait, and lose nothing."


def _of_schedules(runs: dict[str, operations_pb2.ScheduleRun], now: datetime, *, dispatched: bool) -> Iterator[Alarm]:
    for schedule, longest in LONGEST_SILENCE.items():
        run = runs.get(schedule)
        # A schedule that never ran may be one that is not used. Beside a dispatcher, run-warmup may have run once, by
        # hand: its silence or its failure would be reported for ever.
        if run is None or (dispatched and schedule == "run-warmup"):
            continue
        if (silence := _silence(run, now)) > longest:
            yield Alarm(
                f"{schedule} has not run for {duration(silence)}",
                f"It is expected within {duration(longest)}.",
                "WarmcastScheduleStopped",
            )
        elif not run.succeeded:
            yield Alarm(f"The last {schedule} failed", sentence(run.detail or "no cause"), "WarmcastScheduleFails")


def _silence(run: operations_pb2.ScheduleRun | None, now: datetime) -> float:
    """Seconds since the run began."""
    started = timestamp(run, "started_at") if run else None
    return (now - started).total_seconds() if started else float("inf")
