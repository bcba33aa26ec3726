"""Rescue of stuck jobs: one statement for the claim that finds expired leases, and one for the sweep."""

from __future__ import annotations

from services.jobs.postgres.sql.attempts import attempts
from services.jobs.postgres.sql.edges import JOB_COLUMNS, NOTIFY

# An expired lease counts as an attempt: the job is queued again, or fails after the last attempt. A running row without
# a lease (written by hand) counts as expired.
_RESCUE_SET = """
    status = CASE WHEN job.attempts >= %(max_attempts)s THEN 'failed' ELSE 'queued' END,
    last_error = CASE
        WHEN job.deadline_at <= now() THEN 'the attempt passed its deadline'
        ELSE 'the lease expired: its runner or the forecaster stopped'
    END,
    error_reason = expired.cause,
    -- From now on it could start again.
    not_before = CASE WHEN job.attempts < %(max_attempts)s THEN now() END,
    completed_at = CASE WHEN job.attempts >= %(max_attempts)s THEN now() END,
    failures = job.failures + CASE WHEN job.attempts >= %(max_attempts)s THEN 1 ELSE 0 END,
    cooldown_until = CASE WHEN job.attempts >= %(max_attempts)s THEN now() + make_interval(secs =>
        LEAST(%(cooldown_transient)s * 2 ^ LEAST(job.failures, 20), %(cooldown_cap)s)) END,
    requeues = job.requeues + 1,
    lease_expires_at = NULL,
    deadline_at = NULL,
    version = job.version + 1,
    updated_at = now()
"""


def _rescue(scope: str = "true") -> str:
    """Re-queues the running jobs in `scope` whose lease expired."""
    # SKIP LOCKED: a locked row is being rescued by another runner or settled by its holder.
    return f"""
expired AS MATERIALIZED (
    SELECT id, CASE WHEN deadline_at <= now() THEN 'deadline-passed' ELSE 'lease-expired' END AS cause
    FROM warmup_jobs
    WHERE {scope} AND status = 'running' AND (lease_expires_at <= now() OR lease_expires_at IS NULL)
    ORDER BY lease_expires_at NULLS FIRST
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
),
rescued AS (
    UPDATE warmup_jobs AS job SET {_RESCUE_SET}
    FROM expired WHERE job.id = expired.id
    RETURNING {JOB_COLUMNS}, job.due_at, job.trace_id, expired.cause
),
{attempts("rescued", "cause", error_reason="NULL")}
"""


# Every claim that finds an expired lease runs it, so that no leader or sweeper is needed. The notification wakes the
# runners for the re-queued jobs.
RESCUE = f"""
WITH {_rescue()}
SELECT rescued.*, {NOTIFY} FROM rescued ORDER BY priority, queued_at, id
"""

_OVERDUE = "GREATEST(queued_at, not_before) < now() - make_interval(secs => %(overdue_after)s)"


def _sweep(scope: str, overdue: str, priority: str) -> str:
    """Rescues the running jobs in `scope`; counts the queued ones that `overdue` selects and wakes runners for them."""
    # An overdue job keeps its place in the queue: it waits for a runner, and a later place would delay it.
    return f"""
WITH {_rescue(scope)},
overdue AS MATERIALIZED (
    SELECT id FROM warmup_jobs
    WHERE status = 'queued' AND {overdue}
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
),
notified_again AS (
    UPDATE warmup_jobs AS job SET
        requeues = job.requeues + 1,
        priority = {priority},
        version = job.version + 1,
        updated_at = now()
    FROM overdue WHERE job.id = overdue.id
    RETURNING {JOB_COLUMNS}, job.due_at, job.trace_id, 'queued-overdue' AS cause
)
SELECT swept.*, {NOTIFY} FROM (SELECT * FROM rescued UNION ALL SELECT * FROM notified_again) AS swept
ORDER BY priority, queued_at, id
"""


# Promotes like upkeep.PROMOTE. Earlier, jobs of a bulk operation would run before first calls.
SWEEP = _sweep(
    "true",
    f"{_OVERDUE} ORDER BY GREATEST(queued_at, not_before)",
    "CASE WHEN job.queued_at < now() - make_interval(secs => %(promote_after)s) THEN 0 ELSE job.priority END",
)

# For a caller, who waits for the job: it is promoted. A separate statement, as a condition that selects one job or all
# would be planned for all. Runners are notified at most once a minute, however many callers find the job overdue.
SWEEP_ONE = _sweep(
    "id = %(id)s",
    f"id = %(id)s AND {_OVERDUE} AND updated_at < now() - make_interval(secs => LEAST(%(overdue_after)s, 60))",
    "0",
)
