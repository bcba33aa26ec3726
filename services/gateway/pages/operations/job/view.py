"""What the page of a job shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO, status_name
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.operations.attempts_line import Run, attempts_line
from services.gateway.pages.charts.operations.sizes import Size
from services.gateway.pages.links import Links
from services.gateway.pages.operations.job.facts import JobFacts
from services.gateway.pages.operations.job.links import Attempted, LogLinks
from services.gateway.pages.operations.job.next_try import next_try
from services.gateway.pages.operations.jobs.filter import jobs_of
from services.gateway.pages.text import duration, number
from services.gateway.pages.words import geo_name

_ON_THE_LINE = 20  # attempts
_BEGUN = {
    "first-call": "begun by the first call",
    "refresh": "begun by the refresh",
    "cache-lost": "begun because bundles were lost",
    "by-hand": "begun by hand",
    "import": "begun by an import",
}


@dataclass(frozen=True)
class AttemptRow:
    """One attempt that has ended."""

    attempt: int
    reason: str
    outcome: str
    error_reason: str
    error: str
    claimed: datetime | None
    ended: datetime | None
    waited: str
    ran: str
    holder: str
    engine: str
    lease: int
    debug_id: str
    trace_id: str
    logs: str  # address; empty without a template
    trace: str
    adopted: bool
    refused: datetime | None


@dataclass(frozen=True)
class KeyRow:
    """One Redis key."""

    name: str
    what: str
    expires: str
    size: str
    state: str


@dataclass(frozen=True)
class JobPage:
    """The page."""

    id: int
    status: str
    name: str
    comparison: str  # address
    jobs: str  # address of all jobs of the comparison
    current: bool
    facts: list[tuple[str, str]]
    times: list[tuple[str, datetime]]
    next_try: str
    last_error: str
    debug_id: str
    trace_id: str
    logs: str
    trace: str
    attempts: list[AttemptRow]
    lines: dict[Size, Markup]  # the time line in each size; empty without attempts
    keys: list[KeyRow] | None  # None if they cannot be had
    keys_error: str
    actions: list[tuple[str, str]]  # name and words of what its state allows


def job_page(facts: JobFacts, links: LogLinks, now: datetime, *, first: bool) -> JobPage:
    """The page of these facts. `first`: whether they hold the newest attempts."""
    job = facts.job
    key = ComparisonKey(job.slug, job.timeframe, job.geo)
    latest = facts.attempts.attempts[0] if first and facts.attempts.attempts else None
    trace_id = latest.trace_id if latest and latest.debug_id == job.debug_id else ""
    ids = _attempted(job, trace_id)
    runs = _episode(facts.attempts.attempts, job, now) if first else []
    return JobPage(
        id=job.id,
        status=status_name(job.status),
        name=f"{job.slug} {job.timeframe} {geo_name(job.geo)}",
        comparison=Links.of(key).page,
        jobs=jobs_of(key),
        current=facts.current,
        facts=_facts(job, now),
        times=_times(job),
        next_try=next_try(facts, now),
        last_error=job.last_error,
        debug_id=job.debug_id,
        trace_id=trace_id,
        logs=links.logs_of(ids),
        trace=links.trace_of(ids),
        attempts=[_row(each, job, links) for each in facts.attempts.attempts],
        lines={size: attempts_line(runs, now, size) for size in Size} if runs else {},
        keys=_keys(facts.keys) if facts.keys is not None else None,
        keys_error=facts.error.detail if facts.error else "",
        actions=_actions(job),
    )


def attempt_cells(row: operations_pb2.Attempt) -> list[object]:
    """An attempt for a spreadsheet, under ATTEMPT_HEADER."""
    times = (timestamp(row, name) for name in ("due_at", "claimed_at", "ended_at", "refused_at"))
    return [
        *(row.attempt, row.reason, row.outcome, row.error_reason, row.error, *times, row.holder, row.engine_version),
        *(row.lease_id, row.debug_id, row.trace_id, str(row.adopted).lower()),
    ]


ATTEMPT_HEADER = (
    *("attempt", "reason", "outcome", "error reason", "error", "due at", "claimed at", "ended at", "refused at"),
    *("holder", "engine version", "lease id", "debug id", "trace id", "adopted"),
)


def _facts(job: jobs_pb2.WarmupJob, now: datetime) -> list[tuple[str, str]]:
    lease = timestamp(job, "lease_expires_at")
    found = [
        ("Episode", _BEGUN.get(job.reason, job.reason)),
        ("Attempts", f"{number(job.attempts)} in this episode, {number(job.requeues)} rescues in all"),
        ("Held by", job.holder),
        ("Lease", _lease(lease, now) if lease and job.status == jobs_pb2.JOB_STATUS_RUNNING else ""),
        ("Snapshot", job.data_hash),
        ("Engine", job.engine_version),
        ("Priority", str(job.priority)),
        ("Version", str(job.version)),
    ]
    return [(name, words) for name, words in found if words]


def _lease(expires: datetime, now: datetime) -> str:
    left = (expires - now).total_seconds()
    return f"{duration(left)} left" if left >= 0 else f"expired {duration(-left)} ago"


def _times(job: jobs_pb2.WarmupJob) -> list[tuple[str, datetime]]:
    names = {
        "Created": "created_at",
        "Queued": "queued_at",
        "Not before": "not_before",
        "Started": "started_at",
        "Completed": "completed_at",
        "Cools down until": "cooldown_until",
        "Changed": "updated_at",
    }
    found = ((words, timestamp(job, name)) for words, name in names.items())
    return [(words, at) for words, at in found if at is not None]


def _row(row: operations_pb2.Attempt, job: jobs_pb2.WarmupJob, links: LogLinks) -> AttemptRow:
    due, claimed, ended = (timestamp(row, name) for name in ("due_at", "claimed_at", "ended_at"))
    ids = Attempted(job.id, job.slug, row.debug_id, row.trace_id, claimed, ended)
    return AttemptRow(
        attempt=row.attempt,
        reason=row.reason,
        outcome=row.outcome,
        error_reason=row.error_reason,
        error=row.error,
        claimed=claimed,
        ended=ended,
        waited=duration((claimed - due).total_seconds()) if claimed and due else "",
        ran=duration((ended - claimed).total_seconds()) if ended and claimed else "",
        holder=row.holder,
        engine=row.engine_version,
        lease=row.lease_id,
        debug_id=row.debug_id,
        trace_id=row.trace_id,
        logs=links.logs_of(ids),
        trace=links.trace_of(ids),
        adopted=row.adopted,
        refused=timestamp(row, "refused_at"),
    )


def _attempted(job: jobs_pb2.WarmupJob, trace_id: str) -> Attempted:
    start = timestamp(job, "started_at")
    running = job.status == jobs_pb2.JOB_STATUS_RUNNING
    return Attempted(job.id, job.slug, job.debug_id, trace_id, start, None if running else timestamp(job, "updated_at"))


def _episode(newest: Sequence[operations_pb2.Attempt], job: jobs_pb2.WarmupJob, now: datetime) -> list[Run]:
    """The attempts of the last episode that has any, oldest first, with the one that runs."""
    runs: list[Run] = []
    if job.status == jobs_pb2.JOB_STATUS_RUNNING and (started := timestamp(job, "started_at")):
        runs.append(Run(max(1, job.attempts), None, min(started, now), None, "running"))
    for row in newest[:_ON_THE_LINE]:
        if runs and not _precedes(row, runs[-1]):
            break
        claimed = timestamp(row, "claimed_at")
        if claimed is not None:
            times = timestamp(row, "ended_at"), timestamp(row, "refused_at")
            runs.append(Run(row.attempt, timestamp(row, "due_at"), claimed, times[0], row.outcome, times[1]))
    return runs[::-1]


def _precedes(row: operations_pb2.Attempt, later: Run) -> bool:
    """Whether an attempt is of the same episode as the next one. One that was handed back is not counted."""
    return row.attempt < later.number or (row.attempt == later.number and row.outcome == "handed-back")


def _keys(answer: forecaster_pb2.InspectKeysResponse) -> list[KeyRow]:
    rows = []
    for pair in answer.bundles:
        for label, bundle in (("term A", pair.term_a), ("term B", pair.term_b)):
            state = "intact" if bundle.intact else bundle.defect
            rows.append(_key(bundle.key, f"forecast of {label}, engine {pair.engine_version}", state))
    return rows + [_key(mark.key, mark.name, mark.text) for mark in answer.marks]


def _key(key: forecaster_pb2.InspectedKey, what: str, state: str) -> KeyRow:
    if not key.exists:
        return KeyRow(key.name, what, "", "", "absent")
    expires = f"in {duration(key.ttl_seconds)}" if key.HasField("ttl_seconds") else "never"
    return KeyRow(key.name, what, expires, f"{number(key.size_bytes)} B", state)


def _actions(job: jobs_pb2.WarmupJob) -> list[tuple[str, str]]:
    status = FROM_PROTO.get(job.status)
    actions = []
    if status is not JobStatus.RUNNING:
        actions += [("requeue", "Requeue"), ("run", "Run now")]
    if status in (JobStatus.QUEUED, JobStatus.RUNNING):
        actions.append(("cancel", "Cancel"))
    return actions
