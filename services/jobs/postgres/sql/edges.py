"""The queue's SQL: one statement for each edge of the state machine, with the expected state in its WHERE clause.

Those that claim are in claims.py, those of operators in by_hand.py, and those that rescue in rescue.py.

Time is PostgreSQL's. Every transition increments `version`. The policy's parameters are in seconds. No statement
exceeds 4,096 characters: psycopg parses longer ones on each call.
"""

from __future__ import annotations

from services.jobs.domain.job import MAX_LEASES_AHEAD
from services.jobs.postgres.sql.attempts import ATTEMPT_COLUMNS, attempts

CHANNEL = "warmcast_jobs"  # wakes runners
CHANGES = "warmcast_changes"  # the ids of changed jobs; see change_publisher.py

COLUMNS = (
    "id, slug, timeframe, geo, data_hash, status, attempts, last_error, debug_id, created_at, updated_at, started_at, "
    "completed_at, version, reason, priority, queued_at, not_before, lease_id, lease_expires_at, adopt_above_lease, "
    "force, cooldown_until, engine_version, error_reason, holder, requeues"
)
JOB_COLUMNS = ", ".join(f"job.{column}" for column in COLUMNS.split(", "))
JOB = f"SELECT {JOB_COLUMNS} FROM warmup_jobs AS job WHERE job.id = %(id)s"

# In the transaction of the change: sent if and only if that commits.
NOTIFY = f"pg_notify('{CHANNEL}', '')"


def new_episode(
    *,
    queued_at: str = "now()",
    debug_id: str = "EXCLUDED.debug_id",
    reason: str = "EXCLUDED.reason",
    priority: str = "EXCLUDED.priority",
    not_before: str = "NULL",
    force: str = "EXCLUDED.force",
) -> str:
    """Resets a job for a new episode; created_at, lease_id and failures (since the last `ready`) stay."""
    return f"""
    status = 'queued',
    attempts = 0,
    last_error = NULL,
    error_reason = NULL,
    debug_id = {debug_id},
    reason = {reason},
    priority = {priority},
    queued_at = {queued_at},
    not_before = {not_before},
    started_at = NULL,
    completed_at = NULL,
    cooldown_until = NULL,
    lease_expires_at = NULL,
    deadline_at = NULL,
    holder = NULL,
    force = {force},
    -- Sequences are not transactional: all leases before this moment are at or below the last value.
    adopt_above_lease = (SELECT last_value FROM warmup_lease_ids),
    version = job.version + 1,
    updated_at = now()
"""


# Over the last 20 runs.
MEAN_RUN_SECONDS = """
        SELECT avg(EXTRACT(epoch FROM run.completed_at - run.started_at))::float8 FROM (
            SELECT completed_at, started_at FROM warmup_jobs
            WHERE status = 'ready' AND started_at IS NOT NULL ORDER BY updated_at DESC LIMIT 20
        ) AS run
"""

# Of `job`, if it is queued or running. Bounded: at most 1,000 places ahead are counted. The mean of the last 20 runs is
# computed once a statement.
PLACE = f"""
    SELECT
        CASE WHEN job.status = 'queued' THEN 1 + (
            SELECT count(*) FROM (
                SELECT FROM warmup_jobs AS ahead
                WHERE ahead.status = 'queued'
                  AND (ahead.priority, ahead.queued_at, ahead.id) < (job.priority, job.queued_at, job.id)
                -- In queue order, so that the planner uses the queue's index.
                ORDER BY ahead.priority, ahead.queued_at, ahead.id
                LIMIT 1000
            ) AS first
        ) ELSE 0 END AS position,
        GREATEST(0, EXTRACT(epoch FROM job.not_before - now()))::float8 AS wait_seconds,
        CASE WHEN job.status = 'running' THEN EXTRACT(epoch FROM now() - job.started_at) ELSE 0 END::float8
            AS running_seconds,
        ({MEAN_RUN_SECONDS}) AS mean_run_seconds
    WHERE job.status IN ('queued', 'running')
"""

# Only the current snapshot can be enqueued; an older one, read before an import, inserts no row. FOR SHARE makes a
# concurrent import wait, which then cancels the job enqueued here.
INSERT_CURRENT = """
    INSERT INTO warmup_jobs AS job
           (slug, timeframe, geo, data_hash, debug_id, reason, priority, force, adopt_above_lease)
    SELECT snapshot.slug, snapshot.timeframe, snapshot.geo, snapshot.data_hash,
           %(debug_id)s, %(reason)s, %(priority)s, %(force)s, (SELECT last_value FROM warmup_lease_ids)
    FROM comparisons AS comparison
    JOIN snapshots AS snapshot ON snapshot.id = comparison.current_snapshot_id
    WHERE comparison.slug = %(slug)s AND comparison.timeframe = %(timeframe)s AND comparison.geo = %(geo)s
      AND snapshot.data_hash = COALESCE(%(data_hash)s, snapshot.data_hash)
    FOR SHARE OF comparison
"""


def _enqueued(*, not_before: str = "NULL") -> str:
    # Optimistic concurrency: nothing changes if the version is not the one that the caller read.
    return f"""
WITH enqueued AS (
    {INSERT_CURRENT}
    ON CONFLICT ON CONSTRAINT warmup_job_unique DO UPDATE SET {new_episode(not_before=not_before)}
    WHERE job.version = %(seen_version)s AND (
        job.status = 'cancelled'
        OR (job.status = 'failed' AND (job.cooldown_until IS NULL OR job.cooldown_until <= now()))
        OR (job.status = 'ready' AND %(reason)s IN ('refresh', 'cache-lost'))
    )
    RETURNING {JOB_COLUMNS}
)
"""


ENQUEUE = f"{_enqueued()} SELECT enqueued.*, {NOTIFY} FROM enqueued"
# The caller's response includes the place in the queue: one round trip instead of two. The caller has no secret and may
# report a loss falsely, so that a job is recomputed at most once a minute.
_A_MINUTE_AFTER_READY = """
    CASE WHEN job.status = 'ready' AND job.completed_at > now() - interval '1 minute'
         THEN job.completed_at + interval '1 minute' END
"""
ENQUEUE_AND_PLACE = f"""
{_enqueued(not_before=_A_MINUTE_AFTER_READY)}
SELECT job.*, place.*, {NOTIFY} FROM enqueued AS job LEFT JOIN LATERAL ({PLACE}) AS place ON true
"""


# Never past the attempt's deadline, so that one comparison finds expired leases and passed deadlines.
HEARTBEAT = f"""
UPDATE warmup_jobs AS job SET
    lease_expires_at = LEAST(now() + make_interval(secs => %(lease)s), job.deadline_at)
WHERE job.id = %(id)s AND job.status = 'running' AND job.lease_id = %(lease_id)s
RETURNING {JOB_COLUMNS}
"""

_READY_ATTEMPTS = attempts(
    "ready",
    "'ready'",
    error_reason="NULL",
    error="NULL",
    engine_version="%(engine_version)s",
    adopted="lease_id = ANY (%(adopted)s::bigint[])",
    may_conflict=False,
)

# A batch of completions by one engine version. Lost leases are not returned, and their forecasts are not recorded. The
# arrays hold the points of all terms; `from_` to `to_` are those of one term.
# A job may occur twice, with a stale lease and the valid one. `IS TRUE` makes the planner hash the leases: a join was
# quadratic. `status || ''` keeps it from the index on status, which returns all running jobs.
READY = f"""
WITH ready AS (
    UPDATE warmup_jobs AS job SET
        status = 'ready',
        completed_at = now(),
        last_error = NULL,
        error_reason = NULL,
        failures = 0,
        cooldown_until = NULL,
        engine_version = %(engine_version)s,
        lease_expires_at = NULL,
        deadline_at = NULL,
        version = job.version + 1,
        updated_at = now()
    WHERE job.id = ANY (%(ids)s::bigint[]) AND job.status || '' = 'running'
      AND ((job.id, job.lease_id) IN (SELECT * FROM unnest(%(ids)s::bigint[], %(lease_ids)s::bigint[]))) IS TRUE
    RETURNING {ATTEMPT_COLUMNS}
),
{_READY_ATTEMPTS},
recorded AS (
    INSERT INTO forecast_records (job_id, lease_id, label, term, engine_version, forecast_hash, direction, confidence,
                                  generated_at, times, point_values, lower80, upper80, lower95, upper95)
    SELECT ready.id, ready.lease_id, label, term, %(engine_version)s, forecast_hash, direction, confidence,
           generated_at, (%(times)s::timestamptz[])[from_:to_], (%(point_values)s::float8[])[from_:to_],
           (%(lower80)s::float8[])[from_:to_], (%(upper80)s::float8[])[from_:to_],
           (%(lower95)s::float8[])[from_:to_], (%(upper95)s::float8[])[from_:to_]
    FROM unnest(%(forecast_leases)s::bigint[], %(labels)s::text[], %(terms)s::text[], %(forecast_hashes)s::text[],
                %(directions)s::text[], %(confidences)s::float8[], %(generated_at)s::timestamptz[], %(froms)s::int[],
                %(tos)s::int[])
        AS forecast (lease_id, label, term, forecast_hash, direction, confidence, generated_at, from_, to_)
    JOIN ready ON ready.lease_id = forecast.lease_id
    ON CONFLICT ON CONSTRAINT forecast_record_unique DO NOTHING
)
SELECT id, lease_id FROM ready
"""

# A permanent error or the last attempt: failed, with a cool-down. Otherwise queued, with a full-jitter back-off.
FAIL = f"""
WITH settled AS (
    UPDATE warmup_jobs AS job SET
        status = CASE WHEN verdict.final THEN 'failed' ELSE 'queued' END,
        last_error = %(error)s,
        error_reason = %(error_reason)s,
        completed_at = CASE WHEN verdict.final THEN now() END,
        not_before = CASE WHEN NOT verdict.final THEN now() + make_interval(secs =>
            random() * LEAST(%(backoff_base)s * 2 ^ LEAST(job.attempts - 1, 20), %(backoff_cap)s)) END,
        failures = job.failures + CASE WHEN verdict.final THEN 1 ELSE 0 END,
        cooldown_until = CASE WHEN verdict.final THEN now() + make_interval(secs => CASE
            WHEN %(permanent)s THEN %(cooldown_permanent)s
            ELSE LEAST(%(cooldown_transient)s * 2 ^ LEAST(job.failures, 20), %(cooldown_cap)s) END) END,
        lease_expires_at = NULL,
        deadline_at = NULL,
        version = job.version + 1,
        updated_at = now()
    FROM (
        SELECT id, (%(permanent)s OR attempts >= %(max_attempts)s) AS final FROM warmup_jobs WHERE id = %(id)s
    ) AS verdict
    WHERE job.id = verdict.id AND job.status = 'running' AND job.lease_id = %(lease_id)s
    RETURNING {JOB_COLUMNS}, job.due_at, job.trace_id
),
{attempts("settled", "CASE status WHEN 'failed' THEN 'failed' ELSE 'retry' END")}
SELECT settled.*, {NOTIFY} FROM settled
"""

# For causes outside the job (no slot, fenced off, drained): queued at its place, and the attempt is not counted.
HAND_BACK = f"""
WITH returned AS (
    UPDATE warmup_jobs AS job SET
        status = 'queued',
        attempts = GREATEST(job.attempts - 1, 0),
        last_error = COALESCE(%(error)s, job.last_error),
        error_reason = COALESCE(%(error_reason)s, job.error_reason),
        not_before = now() + make_interval(secs => %(delay)s),
        lease_expires_at = NULL,
        deadline_at = NULL,
        version = job.version + 1,
        updated_at = now()
    WHERE job.id = %(id)s AND job.status = 'running' AND job.lease_id = %(lease_id)s
    RETURNING {JOB_COLUMNS}, job.due_at, job.trace_id
),
{attempts("returned", "'handed-back'", attempt="attempts + 1", error_reason="%(error_reason)s", error="%(error)s")}
SELECT returned.*, {NOTIFY} FROM returned
"""


def cancelled(error: str) -> str:
    """Sets a queued or running job to cancelled; a running one stops at its next heartbeat, which finds no row.

    `deadline_at` stays: only a running job has one, so that the jobs that ran are known afterwards.
    """
    return f"""
        status = 'cancelled',
        last_error = '{error}',
        error_reason = NULL,
        completed_at = now(),
        not_before = NULL,
        lease_expires_at = NULL,
        version = job.version + 1,
        updated_at = now()
"""


# Newer data cancel the jobs of older data.
SUPERSEDE = f"""
WITH superseded AS (
    UPDATE warmup_jobs AS job SET {cancelled("superseded by newer data")}
    WHERE slug = %(slug)s AND timeframe = %(timeframe)s AND geo = %(geo)s AND data_hash <> %(data_hash)s
      AND status IN ('queued', 'running')
    RETURNING {ATTEMPT_COLUMNS}, job.last_error, job.deadline_at
),
{attempts("superseded", "'superseded'", error_reason="NULL", where="deadline_at IS NOT NULL")}
SELECT id FROM superseded
"""

# Advances the sequence past the forecaster's fence after an old dump was restored. The lock keeps two concurrent calls
# from moving it back. A fence too far ahead is ignored: it would leave no numbers for leases.
LOCK_LEASE_SEQUENCE = "SELECT pg_advisory_xact_lock(hashtext('warmup_lease_ids'))"
ADVANCE_LEASE_SEQUENCE = f"""
SELECT setval('warmup_lease_ids', %(above)s)
FROM warmup_lease_ids WHERE %(above)s - last_value BETWEEN 1 AND {MAX_LEASES_AHEAD - 1}
"""
