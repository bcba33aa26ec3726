"""What takes up stuck jobs: one statement for the claim that notices some, and one for the sweep, which is the same."""

from __future__ import annotations

from services.jobs.postgres.sql.edges import JOB_COLUMNS, NOTIFY

# What a lease that ran out means, wherever it is noticed: the attempt counts, and the job goes on or has failed.
# A row that says running but names no lease (written by hand) is held to have none.
_RESCUE_SET = """
    status = CASE WHEN job.attempts >= %(max_attempts)s THEN 'failed' ELSE 'queued' END,
    last_error = CASE
        WHEN job.deadline_at <= now() THEN 'the attempt passed its deadline'
        ELSE 'the lease expired: its runner or the forecaster stopped without a word'
    END,
    not_before = NULL,
    completed_at = CASE WHEN job.attempts >= %(max_attempts)s THEN now() END,
    failures = job.failures + CASE WHEN job.attempts >= %(max_attempts)s THEN 1 ELSE 0 END,
    cooldown_until = CASE WHEN job.attempts >= %(max_attempts)s THEN now() + make_interval(secs =>
        LEAST(%(cooldown_transient)s * 2 ^ LEAST(job.failures, 20), %(cooldown_cap)s)) END,
    requeues = job.requeues + 1,
    lease_expires_at = NULL,
    deadline_at = NULL,
    holder = NULL,
    version = job.version + 1,
    updated_at = now()
"""


def _rescue(scope: str = "true") -> str:
    """Re-queues the running jobs in `scope` whose lease ran out."""
    # SKIP LOCKED: a row that another runner is just rescuing, or whose holder is just settling it, needs no rescue.
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
    RETURNING {JOB_COLUMNS}, expired.cause
)
"""


# Part of every claim that sees a lease that ran out: no leader and no sweeper has to be alive for it. The notification
# brings every runner back for what it frees.
RESCUE = f"""
WITH {_rescue()}
SELECT rescued.*, {NOTIFY} FROM rescued ORDER BY priority, queued_at, id
"""

_OVERDUE = "GREATEST(queued_at, not_before) < now() - make_interval(secs => %(overdue_after)s)"


def _sweep(scope: str, overdue: str) -> str:
    """Rescues the running jobs in `scope`, and counts and notifies anew the queued ones that `overdue` selects."""
    # A queued job that is overdue keeps its place: what it lacks is a runner.
    return f"""
WITH {_rescue(scope)},
overdue AS MATERIALIZED (
    SELECT id FROM warmup_jobs
    WHERE status = 'queued' AND {overdue}
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
),
reminded AS (
    UPDATE warmup_jobs AS job SET
        requeues = job.requeues + 1,
        -- A refresh that has waited this long has been overtaken often enough.
        priority = 0,
        version = job.version + 1,
        updated_at = now()
    FROM overdue WHERE job.id = overdue.id
    RETURNING {JOB_COLUMNS}, 'queued-overdue' AS cause
)
SELECT swept.*, {NOTIFY} FROM (SELECT * FROM rescued UNION ALL SELECT * FROM reminded) AS swept
ORDER BY priority, queued_at, id
"""


SWEEP = _sweep("true", f"{_OVERDUE} ORDER BY GREATEST(queued_at, not_before)")

# The same for one job, as the next call that needs it does. A statement of its own, which finds it by its id: a
# condition that holds for one or for all is planned for all. However many callers see a job that nobody runs, its
# runners are notified once a minute.
SWEEP_ONE = _sweep(
    "id = %(id)s",
    f"id = %(id)s AND {_OVERDUE} AND updated_at < now() - make_interval(secs => LEAST(%(overdue_after)s, 60))",
)
