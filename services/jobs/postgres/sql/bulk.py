"""SQL of bulk operations. The changes themselves are edges of the state machine, on the ids that a batch locks."""

from __future__ import annotations

from services.jobs.domain.job import BULK_PRIORITY, QueuePolicy
from services.jobs.domain.operations import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    MAX_FAILURES,
    MAX_MATCHED,
    PREPARED_SECONDS,
)
from services.jobs.postgres.sql.edges import JOB_COLUMNS, MEAN_RUN_SECONDS, NOTIFY

COLUMNS = "id, action, filter, state, matched, done, skipped, operator, reason, created_at, started_at, ended_at, error"
_OPERATION_COLUMNS = ", ".join(f"operation.{column}" for column in COLUMNS.split(", "))
_EXPIRED = f"state = 'prepared' AND created_at <= now() - interval '{PREPARED_SECONDS:g} s'"
_KEPT_PREPARED = 100  # the newest; each may take 1.6 MB
_WITHOUT_ROWS = "ids = '{}', versions = '{}', holder = NULL, lease_expires_at = NULL"


def prepare(matching: str) -> str:
    """Stores the ids and versions that the query `matching` returns; no row if they are too many.

    Sorted by id, so that all batches take their locks in one order.
    """
    return f"""
WITH matching AS MATERIALIZED ({matching}),
stored AS (
    SELECT count(*) AS matched, COALESCE(array_agg(id ORDER BY id), '{{}}') AS ids,
           COALESCE(array_agg(version ORDER BY id), '{{}}') AS versions
    FROM matching
)
INSERT INTO bulk_operations AS operation (action, filter, ids, versions, matched, operator)
SELECT %(action)s, %(filter)s::jsonb, ids, versions, matched, %(operator)s FROM stored
WHERE matched <= {MAX_MATCHED}
RETURNING {_OPERATION_COLUMNS}
"""


SAMPLED_JOBS = f"""
SELECT {JOB_COLUMNS} FROM warmup_jobs AS job
WHERE job.id = ANY (ARRAY(SELECT unnest(ids[1 : %(limit)s]) FROM bulk_operations WHERE id = %(id)s))
ORDER BY job.id
"""

GET = f"SELECT {COLUMNS} FROM bulk_operations WHERE id = %(id)s AND NOT ({_EXPIRED})"

# The action is recorded with the start; its count follows with each batch. Without rows there is nothing to record.
CONFIRM = f"""
WITH prepared AS MATERIALIZED (
    SELECT id, action, filter, matched FROM bulk_operations
    WHERE id = %(id)s AND state = 'prepared' AND NOT ({_EXPIRED})
    FOR NO KEY UPDATE
),
recorded AS (
    INSERT INTO operator_actions (operator, action, target, reason, count, request_id, operation_id)
    SELECT %(operator)s, action, filter, %(operator_reason)s, 0, %(request_id)s, id FROM prepared WHERE matched > 0
    RETURNING id
)
UPDATE bulk_operations AS operation SET
    state = CASE WHEN operation.matched > 0 THEN 'running' ELSE 'done' END,
    operator = %(operator)s,
    reason = %(operator_reason)s,
    action_id = (SELECT id FROM recorded),
    started_at = now(),
    ended_at = CASE WHEN operation.matched = 0 THEN now() END
FROM prepared WHERE operation.id = prepared.id
RETURNING {_OPERATION_COLUMNS}
"""

# Waits for the batch that holds the row. The abort of a started operation is recorded.
ABORT = f"""
WITH aborted AS (
    UPDATE bulk_operations SET state = 'aborted', ended_at = now(), {_WITHOUT_ROWS}
    WHERE id = %(id)s AND state IN ('prepared', 'running') AND NOT ({_EXPIRED})
    RETURNING {COLUMNS}
),
recorded AS (
    INSERT INTO operator_actions (operator, action, target, reason, count, request_id, operation_id)
    SELECT %(operator)s, 'abort', %(target)s::jsonb, %(operator_reason)s, 0, %(request_id)s, id
    FROM aborted WHERE started_at IS NOT NULL
)
SELECT * FROM aborted
"""

# As many jobs as the forecasters run before the first of them is promoted.
_BOUND = f"""
    LEAST(%(max_waiting)s, GREATEST(1, COALESCE(
        floor(NULLIF(%(slots)s::float8, 0) * {QueuePolicy.promote_after} / NULLIF(({MEAN_RUN_SECONDS}), 0)),
        %(unmeasured)s
    )))::int
"""

# How many rows fit below the bound. Jobs that were promoted count too: otherwise an operation would go on while nothing
# runs. In queue order, so that the planner uses the queue's index.
_ROOM = f"""
    SELECT bound.jobs - (SELECT count(*) FROM (
        SELECT FROM warmup_jobs WHERE status = 'queued' AND priority <= {BULK_PRIORITY}
        ORDER BY priority, queued_at, id
        LIMIT bound.jobs
    ) AS waiting) AS jobs
    FROM (SELECT {_BOUND} AS jobs) AS bound
"""

# The row stays locked until the batch has committed, so that no other replica changes the same rows. An operation
# without room comes last. A cancel, and the requeue of queued jobs, which ends their delays, add nothing to the queue:
# they need no room.
TAKE = f"""
WITH room AS MATERIALIZED ({_ROOM})
SELECT operation.id, operation.action, operation.position, batch.size
FROM bulk_operations AS operation
CROSS JOIN LATERAL (
    SELECT CASE WHEN operation.action = 'cancel' OR operation.filter ->> 'status' = 'queued' THEN %(batch)s
                ELSE LEAST(%(batch)s, (SELECT jobs FROM room)) END AS size
) AS batch
WHERE operation.state = 'running'
  AND (operation.holder = %(holder)s OR operation.lease_expires_at IS NULL OR operation.lease_expires_at <= now())
  AND (operation.retry_at IS NULL OR operation.retry_at <= now())
ORDER BY batch.size = 0, operation.id
LIMIT 1
FOR NO KEY UPDATE OF operation SKIP LOCKED
"""

# Renews the lease of an operation that waits.
HOLD = """
UPDATE bulk_operations SET holder = %(holder)s, lease_expires_at = now() + make_interval(secs => %(lease)s)
WHERE id = %(operation)s
RETURNING id
"""

_ITEMS = """
    FROM bulk_operations AS operation
    CROSS JOIN LATERAL unnest(
        operation.ids[operation.position + 1 : operation.position + %(batch)s],
        operation.versions[operation.position + 1 : operation.position + %(batch)s]
    ) AS item (id, version)
"""

# The jobs of the batch that are as they were. By id, as the edges lock them.
LOCK_JOBS = f"""
SELECT job.id
{_ITEMS}
JOIN warmup_jobs AS job ON job.id = item.id AND job.version = item.version
WHERE operation.id = %(operation)s
ORDER BY job.id
FOR NO KEY UPDATE OF job
"""

# The comparisons whose snapshot is still the current one. Locked like an enqueue locks them: before their jobs.
LOCK_COMPARISONS = f"""
SELECT item.id AS snapshot_id, item.version
{_ITEMS}
JOIN comparisons AS comparison ON comparison.current_snapshot_id = item.id
WHERE operation.id = %(operation)s
ORDER BY item.id
FOR SHARE OF comparison
"""

# Of the locked comparisons: their jobs, if they are as they were.
LOCK_CURRENT_JOBS = """
SELECT job.id
FROM unnest(%(snapshots)s::bigint[], %(versions)s::bigint[]) AS item (id, version)
JOIN snapshots AS snapshot ON snapshot.id = item.id
JOIN warmup_jobs AS job ON job.slug = snapshot.slug AND job.timeframe = snapshot.timeframe
    AND job.geo = snapshot.geo AND job.data_hash = snapshot.data_hash AND job.version = item.version
ORDER BY job.id
FOR NO KEY UPDATE OF job
"""

# Jobs for locked comparisons without one. A job that was created since is left as it is.
CREATE_JOBS = f"""
WITH created AS (
    INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, reason, priority, adopt_above_lease)
    SELECT slug, timeframe, geo, data_hash, 'by-hand', {BULK_PRIORITY}, (SELECT last_value FROM warmup_lease_ids)
    FROM snapshots WHERE id = ANY (%(snapshots)s::bigint[])
    ORDER BY id
    ON CONFLICT ON CONSTRAINT warmup_job_unique DO NOTHING
    RETURNING id
)
SELECT id, {NOTIFY} FROM created
"""

# Counts one batch, in the operation and in its action.
ADVANCE = """
WITH advanced AS (
    UPDATE bulk_operations SET
        position = position + %(batch)s,
        done = done + %(changed)s,
        skipped = skipped + LEAST(%(batch)s, matched - position) - %(changed)s,
        holder = %(holder)s,
        lease_expires_at = now() + make_interval(secs => %(lease)s),
        error = '',
        failures = 0,
        retry_at = NULL
    WHERE id = %(operation)s
    RETURNING id, action_id, done
)
UPDATE operator_actions AS action SET count = advanced.done FROM advanced WHERE action.id = advanced.action_id
"""

FINISH = f"""
UPDATE bulk_operations SET state = 'done', ended_at = now(), {_WITHOUT_ROWS}
WHERE id = %(operation)s AND position >= matched
RETURNING id
"""

# Counts the failure of one batch, unless another replica has run it since. The next attempt is free for every replica.
COUNT_FAILURE = f"""
UPDATE bulk_operations SET
    error = %(error)s,
    failures = failures + 1,
    retry_at = now() + make_interval(secs => LEAST({FIRST_RETRY_SECONDS} * 2 ^ failures, {LONGEST_RETRY_SECONDS})),
    holder = NULL,
    lease_expires_at = NULL
WHERE id = %(operation)s AND state = 'running' AND position = %(position)s
RETURNING {COLUMNS}
"""

# Ends an operation whose batch has failed often enough, and says so in its action.
GIVE_UP = f"""
WITH failed AS (
    UPDATE bulk_operations SET state = 'failed', ended_at = now(), {_WITHOUT_ROWS}
    WHERE id = %(operation)s AND state = 'running' AND failures >= {MAX_FAILURES}
    RETURNING {COLUMNS}, action_id
),
recorded AS (
    UPDATE operator_actions AS action SET error = failed.error FROM failed WHERE action.id = failed.action_id
)
SELECT {COLUMNS} FROM failed
"""

DELETE_EXPIRED = f"""
DELETE FROM bulk_operations WHERE state = 'prepared' AND (({_EXPIRED}) OR id < (
    SELECT min(id) FROM (
        SELECT id FROM bulk_operations WHERE state = 'prepared' ORDER BY id DESC LIMIT {_KEPT_PREPARED}
    ) AS newest
))
RETURNING id
"""
