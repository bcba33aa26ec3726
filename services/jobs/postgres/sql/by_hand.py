"""The edges that operators cause: trigger, requeue, cancel."""

from __future__ import annotations

from services.jobs.postgres.sql.actions import recorded
from services.jobs.postgres.sql.attempts import attempts
from services.jobs.postgres.sql.edges import INSERT_CURRENT, JOB_COLUMNS, NOTIFY, cancelled, new_episode

_KEEPS_ITS_PLACE = "CASE WHEN job.status = 'queued' THEN job.queued_at ELSE now() END"
# A delay ends now; one that has passed stays, since the wait for a runner counts from it.
_ENDS_ITS_DELAY = """
        CASE WHEN job.status = 'queued' AND job.not_before IS NOT NULL THEN LEAST(job.not_before, now()) END"""

# An operator's enqueue ignores the cool-down. A queued job keeps its place and loses its delay. A running one is left
# unchanged unless forced: then its lease is void and its result is dropped. `held` locks the row that the enqueue
# replaces, and keeps what the attempt's row needs; locks are taken in the order of an import.
TRIGGER = f"""
WITH held AS MATERIALIZED (
    SELECT job.* FROM comparisons AS comparison
    JOIN snapshots AS snapshot ON snapshot.id = comparison.current_snapshot_id
    JOIN warmup_jobs AS job ON job.slug = snapshot.slug AND job.timeframe = snapshot.timeframe
        AND job.geo = snapshot.geo AND job.data_hash = snapshot.data_hash
    WHERE %(force)s
      AND comparison.slug = %(slug)s AND comparison.timeframe = %(timeframe)s AND comparison.geo = %(geo)s
    FOR SHARE OF comparison
    FOR NO KEY UPDATE OF job
),
triggered AS (
    {INSERT_CURRENT}
    ON CONFLICT ON CONSTRAINT warmup_job_unique DO UPDATE SET
    {new_episode(queued_at=_KEEPS_ITS_PLACE, not_before=_ENDS_ITS_DELAY)}
    WHERE job.status <> 'running' OR EXISTS (SELECT FROM held WHERE held.id = job.id AND held.status = 'running')
    RETURNING {JOB_COLUMNS}
),
ended AS (SELECT held.* FROM triggered JOIN held ON held.id = triggered.id AND held.status = 'running'),
{attempts("ended", "'superseded'", error_reason="NULL", error="'replaced by hand'")},
{recorded("triggered", "trigger")}
SELECT triggered.*, {NOTIFY} FROM triggered
"""

_BY_HAND = new_episode(
    queued_at=_KEEPS_ITS_PLACE,
    debug_id="gen_random_uuid()",
    reason="'by-hand'",
    # A queued job keeps a better one.
    priority="CASE WHEN job.status = 'queued' THEN LEAST(job.priority, %(priority)s) ELSE %(priority)s END",
    not_before=_ENDS_ITS_DELAY,
    force="false",
)

# By id, for any snapshot, also one that is not current. Running jobs are left unchanged.
REQUEUE = f"""
WITH requeued AS (
    UPDATE warmup_jobs AS job SET {_BY_HAND}
    WHERE job.id = ANY(%(ids)s) AND job.status <> 'running' AND job.status = COALESCE(%(status)s, job.status)
    RETURNING {JOB_COLUMNS}
),
{recorded("requeued", "requeue")}
SELECT requeued.*, {NOTIFY} FROM requeued ORDER BY id
"""

# Before claims.CLAIM_ONE, in its transaction.
REQUEUE_SETTLED = f"""
UPDATE warmup_jobs AS job SET {_BY_HAND}
WHERE job.id = %(id)s AND job.status IN ('ready', 'failed', 'cancelled')
RETURNING id
"""

CANCEL = f"""
WITH cancelled AS (
    UPDATE warmup_jobs AS job SET {cancelled("cancelled by hand")}
    WHERE job.id = ANY (%(ids)s) AND job.status IN ('queued', 'running')
    RETURNING {JOB_COLUMNS}, job.due_at, job.trace_id, job.deadline_at
),
{attempts("cancelled", "'cancelled'", where="deadline_at IS NOT NULL")},
{recorded("cancelled", "cancel")}
SELECT * FROM cancelled
"""
