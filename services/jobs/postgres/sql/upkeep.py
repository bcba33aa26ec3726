"""SQL for maintenance by schedules and operators; each call touches a bounded number of rows."""

from __future__ import annotations

from services.jobs.postgres.sql import edges
from services.jobs.postgres.sql.edges import JOB_COLUMNS, NOTIFY, new_episode

DEMAND_HALF_LIFE = 302_400  # seconds: half a week

# One refresh at a time: two that count the queue before either has enqueued would exceed the limit.
LOCK_REFRESH = "SELECT pg_advisory_xact_lock(hashtext('warmup_refresh'))"

# Forecasts are due before they turn stale. Hashing the id spreads them over some hours, so that they do not fall due
# together again.
_DUE = """
    FROM comparisons AS comparison
    JOIN snapshots AS current ON current.id = comparison.current_snapshot_id
    JOIN warmup_jobs AS job ON job.slug = current.slug AND job.timeframe = current.timeframe
        AND job.geo = current.geo AND job.data_hash = current.data_hash
    WHERE comparison.last_requested_at > now() - make_interval(days => %(requested_within_days)s)
      AND job.status = 'ready'
      AND job.completed_at < now() - make_interval(secs =>
            %(earliest)s + (%(latest)s - %(earliest)s) * (hashint8(job.id) & 1023) / 1023.0)
"""

# By popularity; refreshes in the queue count towards the limit.
REFRESH = f"""
WITH due AS MATERIALIZED (
    SELECT job.id
    {_DUE}
    ORDER BY comparison.demand * 0.5 ^ (EXTRACT(epoch FROM now() - comparison.last_requested_at) / {DEMAND_HALF_LIFE})
        DESC, job.id
    LIMIT GREATEST(0, %(limit)s - (SELECT count(*) FROM (
        SELECT FROM warmup_jobs WHERE status = 'queued' AND priority = %(priority)s LIMIT %(limit)s
    ) AS waiting))
    FOR UPDATE OF job SKIP LOCKED
),
refreshed AS (
    UPDATE warmup_jobs AS job SET
    {new_episode(debug_id="gen_random_uuid()", reason="'refresh'", priority="%(priority)s", force="false")}
    FROM due WHERE job.id = due.id
    RETURNING {JOB_COLUMNS}
)
SELECT refreshed.*, {NOTIFY} FROM refreshed ORDER BY id
"""

COUNT_DUE = f"SELECT count(*) AS due FROM (SELECT {_DUE} LIMIT %(cap)s) AS counted"

MEAN_RUN_SECONDS = f"SELECT ({edges.MEAN_RUN_SECONDS}) AS seconds"

# Raises the priority of refreshes, and of jobs of bulk operations, that have waited long, so that none starves.
PROMOTE = """
UPDATE warmup_jobs SET priority = 0, version = version + 1, updated_at = now()
WHERE id IN (
    SELECT id FROM warmup_jobs
    WHERE status = 'queued' AND priority > 0 AND queued_at < now() - make_interval(secs => %(promote_after)s)
    ORDER BY queued_at, id
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
RETURNING id
"""

# One job, for a caller who waits for it: at once, with its place afterwards.
PROMOTE_ONE = f"""
WITH promoted AS (
    UPDATE warmup_jobs AS job SET priority = 0, version = job.version + 1, updated_at = now()
    WHERE job.id = %(id)s AND job.status = 'queued' AND job.priority > 0
    RETURNING {JOB_COLUMNS}
)
SELECT job.*, place.* FROM promoted AS job LEFT JOIN LATERAL ({edges.PLACE}) AS place ON true
"""

# Old settled jobs whose snapshot no comparison uses, with their forecast records. Jobs with unscored forecasts stay
# until the last forecast date is that old too.
DELETE_OLD_JOBS = """
WITH old AS MATERIALIZED (
    SELECT job.id FROM warmup_jobs AS job
    WHERE job.status IN ('ready', 'failed', 'cancelled')
      AND job.updated_at < now() - make_interval(days => %(days)s)
      AND NOT EXISTS (
        SELECT FROM snapshots AS snapshot
        JOIN comparisons AS comparison
          ON snapshot.id IN (comparison.current_snapshot_id, comparison.previous_snapshot_id)
        WHERE comparison.slug = job.slug AND comparison.timeframe = job.timeframe AND comparison.geo = job.geo
          AND snapshot.data_hash = job.data_hash
      )
      AND NOT EXISTS (
        SELECT FROM forecast_records AS record
        WHERE record.job_id = job.id AND record.label = 'termA'
          AND record.times[cardinality(record.times)] > now() - make_interval(days => %(days)s)
          AND NOT EXISTS (SELECT FROM forecast_scores AS score WHERE score.record_a_id = record.id)
      )
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
records AS (DELETE FROM forecast_records USING old WHERE job_id = old.id),
deleted AS (DELETE FROM warmup_jobs AS job USING old WHERE job.id = old.id RETURNING job.id)
SELECT count(*) AS deleted FROM deleted
"""

# A snapshot that no comparison and no job refers to.
_UNREFERENCED = """
      NOT EXISTS (
        SELECT FROM comparisons AS comparison
        WHERE comparison.slug = snapshot.slug AND comparison.timeframe = snapshot.timeframe
          AND comparison.geo = snapshot.geo
          AND snapshot.id IN (comparison.current_snapshot_id, comparison.previous_snapshot_id)
      )
      AND NOT EXISTS (
        SELECT FROM warmup_jobs AS job
        WHERE job.slug = snapshot.slug AND job.timeframe = snapshot.timeframe AND job.geo = snapshot.geo
          AND job.data_hash = snapshot.data_hash
      )
"""

# SKIP LOCKED: an import that holds the row is about to refer to it.
LOCK_OLD_SNAPSHOTS = f"""
SELECT snapshot.id FROM snapshots AS snapshot
WHERE snapshot.created_at < now() - make_interval(days => %(days)s) AND {_UNREFERENCED}
ORDER BY snapshot.created_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
"""

# Checks again in a second statement, which sees newer commits: an import may have referred to the row before it was
# locked.
DELETE_OLD_SNAPSHOTS = f"""
DELETE FROM snapshots AS snapshot WHERE snapshot.id = ANY (%(ids)s) AND {_UNREFERENCED} RETURNING id
"""

# The queue's depth for /metrics: the oldest rows up to the cap by the partial index on queued_at, so that the cost is
# bounded. The age of a delayed job counts from its not_before.
DEPTH = """
WITH oldest AS (
    SELECT GREATEST(queued_at, not_before) AS since FROM warmup_jobs WHERE status = 'queued'
    ORDER BY queued_at LIMIT %(cap)s
),
running AS (SELECT FROM warmup_jobs WHERE status = 'running' LIMIT %(cap)s)
SELECT count(*) FILTER (WHERE since <= now()) AS due,
       count(*) FILTER (WHERE since > now()) AS not_due,
       (SELECT count(*) FROM running) AS running,
       COALESCE(EXTRACT(epoch FROM now() - min(since) FILTER (WHERE since <= now())), 0)::float8 AS oldest_due_seconds
FROM oldest
"""


def _status(name: str, rows: str, since: str) -> str:
    """One row of STATUS; its age counts from `since`."""
    return f"""
    SELECT '{name}' AS status, count(*) AS count, EXTRACT(epoch FROM now() - min(moment))::float8 AS age FROM (
        SELECT {since} AS moment FROM warmup_jobs WHERE status = '{name}' {rows} LIMIT %(cap)s
    ) AS counted"""


_LAST_DAY = "AND updated_at > now() - interval '24 hours'"
# Each count stops at the cap, so that the cost is bounded.
STATUS = " UNION ALL ".join(
    [
        _status("queued", "ORDER BY priority, queued_at, id", "queued_at"),
        _status("running", "", "started_at"),
        *(_status(name, _LAST_DAY, "NULL::timestamptz") for name in ("ready", "failed", "cancelled")),
    ]
)
