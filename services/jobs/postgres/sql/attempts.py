"""SQL of the history: a statement that ends a run inserts the attempt's row itself, so that each has exactly one."""

from __future__ import annotations

# What the row is made of. The job keeps the holder, due_at and trace_id of its last claim, so that the statement that
# ends the run returns them.
ATTEMPT_COLUMNS = (
    "job.id, job.lease_id, job.attempts, job.reason, job.holder, job.due_at, job.started_at, job.debug_id, job.trace_id"
)


def attempts(
    ended: str,
    outcome: str,
    *,
    attempt: str = "attempts",
    error_reason: str = "error_reason",
    error: str = "last_error",
    engine_version: str = "NULL",
    adopted: str = "false",
    where: str = "true",
    may_conflict: bool = True,
) -> str:
    """A CTE that inserts a row for each job of the CTE `ended`; the other arguments are SQL over its columns.

    Only a job that was set to running by hand can have a lease whose row exists. Without `may_conflict` the statement
    fails for such a job, which is then rescued: ON CONFLICT costs a second look-up and a WAL record for each row.
    """
    return f"""
attempted AS (
    INSERT INTO warmup_attempts (job_id, lease_id, attempt, reason, holder, due_at, claimed_at, outcome, error_reason,
                                 error, engine_version, debug_id, trace_id, adopted)
    SELECT id, lease_id, {attempt}, reason, holder, due_at, COALESCE(started_at, now()), {outcome}, {error_reason},
           {error}, {engine_version}, debug_id, trace_id, {adopted}
    FROM {ended} WHERE {where}
    {"ON CONFLICT DO NOTHING" if may_conflict else ""}
)"""


# A result that arrived after its run had been ended by another. A settle that is repeated after its response was lost
# finds the outcome of its first call, and changes nothing.
REFUSE = """
UPDATE warmup_attempts SET refused_at = now()
WHERE job_id = %(id)s AND lease_id = %(lease_id)s AND refused_at IS NULL
  AND outcome IN ('lease-expired', 'deadline-passed', 'cancelled', 'superseded')
"""

LIST = """
SELECT job_id, lease_id, attempt, reason, holder, due_at, claimed_at, ended_at, outcome, error_reason, error,
       engine_version, debug_id, trace_id, adopted, refused_at
FROM warmup_attempts
WHERE job_id = %(job_id)s AND lease_id < %(before)s
ORDER BY lease_id DESC
LIMIT %(limit)s
"""

FIND_JOB = "SELECT id FROM warmup_jobs WHERE id = %(job_id)s"

# Oldest first, so that the index on ended_at ends the scan.
DELETE_OLD = """
WITH old AS MATERIALIZED (
    SELECT job_id, lease_id FROM warmup_attempts
    WHERE ended_at < now() - make_interval(days => %(days)s)
    ORDER BY ended_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
deleted AS (
    DELETE FROM warmup_attempts AS attempt USING old
    WHERE attempt.job_id = old.job_id AND attempt.lease_id = old.lease_id
    RETURNING attempt.job_id
)
SELECT count(*) AS deleted FROM deleted
"""
