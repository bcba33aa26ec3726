"""The queue's SQL: one statement an edge of the state machine, each with its expected state in the WHERE clause.

Time is PostgreSQL's. Every transition raises `version`. Parameters of the policy come in seconds. None is longer than
4,096 characters: psycopg reads a longer one anew for its parameters at each call, which costs more than its answer.
"""

from __future__ import annotations

import re

from services.jobs.domain.job import MOST_LEASES_AHEAD

CHANNEL = "warmcast_jobs"  # wakes runners
CHANGES = "warmcast_changes"  # the ids of changed jobs, which publisher.py tells

COLUMNS = (
    "id, slug, timeframe, geo, data_hash, status, attempts, last_error, debug_id, created_at, updated_at, started_at, "
    "completed_at, version, reason, priority, queued_at, not_before, lease_id, lease_expires_at, adopt_above_lease, "
    "force, cooldown_until, engine_version"
)
JOB_COLUMNS = ", ".join(f"job.{column}" for column in COLUMNS.split(", "))
# What a run needs of its job: each claim brings many, and a whole row costs a third more.
CLAIMED_COLUMNS = (
    "id, slug, timeframe, geo, data_hash, attempts, debug_id, lease_id, adopt_above_lease, force, priority, queued_at"
)
_CLAIMED_JOB_COLUMNS = ", ".join(f"job.{column}" for column in CLAIMED_COLUMNS.split(", "))
SERIES_COLUMNS = (
    "pair.term_a, pair.term_b, snapshot.times, snapshot.values_a, snapshot.values_b, snapshot.partial_last_period, "
    "snapshot.scaled_apart, snapshot.gaps_filled, snapshot.source, snapshot.as_of"
)
# Packed as they are sent: a claim brings many series at once, and each is unpacked when its own run needs it.
PACKED_SERIES_COLUMNS = re.sub(r"snapshot\.(times|values_a|values_b)", r"array_send(snapshot.\1) AS \1", SERIES_COLUMNS)

JOB = f"SELECT {JOB_COLUMNS} FROM warmup_jobs AS job WHERE job.id = %(id)s"

# In the same transaction as the change, so that no wake-up is sent for what was not committed, or lost for what was.
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
    """An episode starts anew: all but created_at, the lease id and the failures since the last `ready`."""
    return f"""
    status = 'queued',
    attempts = 0,
    last_error = NULL,
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
    -- Sequences are not transactional: whatever was leased before this moment is at or below their last value.
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

# Of `job`, where it is queued or running. Bounded on both sides: 1,000 places ahead are counted, and the last 20 runs
# are averaged, once for all jobs of a statement.
PLACE = f"""
    SELECT
        CASE WHEN job.status = 'queued' THEN 1 + (
            SELECT count(*) FROM (
                SELECT FROM warmup_jobs AS ahead
                WHERE ahead.status = 'queued'
                  AND (ahead.priority, ahead.queued_at, ahead.id) < (job.priority, job.queued_at, job.id)
                -- In queue order, so that the planner walks the queue's index and never the table.
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

# Only the snapshot that is current while the statement runs can be enqueued: an older one that was seen before an
# import came in makes no row. An import waits for the lock, and then cancels what was enqueued here.
_INSERT_CURRENT = """
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
    # A caller acts on the row as it saw it. If its version has moved on since, someone else acted: nothing changes.
    return f"""
WITH enqueued AS (
    {_INSERT_CURRENT}
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
# For a caller who is told where the job stands: one way to the database, where a second one cost as much. Whoever
# calls needs no secret and may claim a loss that is none, so that a job is computed again once a minute at most.
_A_MINUTE_AFTER_READY = """
    CASE WHEN job.status = 'ready' AND job.completed_at > now() - interval '1 minute'
         THEN job.completed_at + interval '1 minute' END
"""
ENQUEUE_AND_PLACE = f"""
{_enqueued(not_before=_A_MINUTE_AFTER_READY)}
SELECT job.*, stands.*, {NOTIFY} FROM enqueued AS job LEFT JOIN LATERAL ({PLACE}) AS stands ON true
"""

_KEEPS_ITS_PLACE = "CASE WHEN job.status = 'queued' THEN job.queued_at ELSE now() END"

# An operator's enqueue heeds no cool-down. A queued job keeps its place and only loses what held it back; a running
# one is left alone, unless forced: then its lease is void and its late result is dropped.
TRIGGER = f"""
WITH triggered AS (
    {_INSERT_CURRENT}
    ON CONFLICT ON CONSTRAINT warmup_job_unique DO UPDATE SET
    {new_episode(queued_at=_KEEPS_ITS_PLACE)}
    WHERE job.status <> 'running' OR %(force)s
    RETURNING {JOB_COLUMNS}
)
SELECT triggered.*, {NOTIFY} FROM triggered
"""

# Each claimed job comes with its series, and each row says when to look again and whether a lease has run out, so that
# a start costs one way to the database.
#
# Those to claim are given as an array, which is looked up by the primary key: joined, a limit that is not known when
# this is planned counts as a tenth of the queue, and the table is scanned. Of the series there is one; LIMIT says so,
# and it too is looked up for each, and never scanned for all.
CLAIM = f"""
WITH next AS MATERIALIZED (
    SELECT id FROM warmup_jobs
    WHERE status = 'queued' AND (not_before IS NULL OR not_before <= now())
    ORDER BY priority, queued_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE warmup_jobs AS job SET
        status = 'running',
        attempts = job.attempts + 1,
        lease_id = nextval('warmup_lease_ids'),
        lease_expires_at = now() + make_interval(secs => LEAST(%(lease)s, %(attempt_deadline)s)),
        deadline_at = now() + make_interval(secs => %(attempt_deadline)s),
        holder = %(holder)s,
        started_at = now(),
        not_before = NULL,
        version = job.version + 1,
        updated_at = now()
    WHERE job.id = ANY (ARRAY(SELECT id FROM next))
    RETURNING {_CLAIMED_JOB_COLUMNS}
)
SELECT claimed.*, series.*, look.seconds_until_due, look.leases_ran_out
FROM (
    SELECT EXTRACT(epoch FROM LEAST(
            (SELECT min(not_before) FROM warmup_jobs WHERE status = 'queued' AND not_before > now()),
            (SELECT min(lease_expires_at) FROM warmup_jobs WHERE status = 'running')
        ) - now())::float8 AS seconds_until_due,
        EXISTS (SELECT FROM warmup_jobs WHERE status = 'running' AND lease_expires_at <= now())
        OR EXISTS (SELECT FROM warmup_jobs WHERE status = 'running' AND lease_expires_at IS NULL) AS leases_ran_out
) AS look
LEFT JOIN claimed ON true
LEFT JOIN LATERAL (
    SELECT {PACKED_SERIES_COLUMNS}
    FROM snapshots AS snapshot JOIN term_pairs AS pair USING (slug)
    WHERE snapshot.slug = claimed.slug AND snapshot.timeframe = claimed.timeframe
      AND snapshot.geo = claimed.geo AND snapshot.data_hash = claimed.data_hash
    LIMIT 1
) AS series ON true
"""

# Never past the attempt's own deadline, so that one comparison finds both kinds of stuck.
HEARTBEAT = f"""
UPDATE warmup_jobs AS job SET
    lease_expires_at = LEAST(now() + make_interval(secs => %(lease)s), job.deadline_at)
WHERE job.id = %(id)s AND job.status = 'running' AND job.lease_id = %(lease_id)s
RETURNING {JOB_COLUMNS}
"""

# Many at once: whatever ended while the last ones were written. A lease that is lost is not among those returned, and
# nothing is kept for it. The points of all terms come one after the other; each term's are those `from_` to `to`.
#
# Each row is found by its place among the leases, since a job may come twice, under a stale lease and the valid one; a
# join went through all of them for each. The status is concatenated, so that rows are looked up by their ids and not by
# its index, which brings all that run.
READY = """
WITH ready AS (
    UPDATE warmup_jobs AS job SET
        status = 'ready',
        completed_at = now(),
        last_error = NULL,
        failures = 0,
        cooldown_until = NULL,
        engine_version = (%(engine_versions)s::text[])[array_position(%(lease_ids)s::bigint[], job.lease_id)],
        lease_expires_at = NULL,
        deadline_at = NULL,
        holder = NULL,
        version = job.version + 1,
        updated_at = now()
    WHERE job.id = ANY (%(ids)s::bigint[]) AND job.status || '' = 'running'
      AND job.id = (%(ids)s::bigint[])[array_position(%(lease_ids)s::bigint[], job.lease_id)]
    RETURNING job.id, job.lease_id, job.engine_version
),
recorded AS (
    INSERT INTO forecast_records (job_id, lease_id, label, term, engine_version, forecast_hash, direction, generated_at,
                                  times, point_values, lower80, upper80, lower95, upper95)
    SELECT ready.id, ready.lease_id, made.label, made.term, ready.engine_version, made.forecast_hash, made.direction,
           made.generated_at,
           (%(times)s::timestamptz[])[made.from_:made.to_], (%(point_values)s::float8[])[made.from_:made.to_],
           (%(lower80)s::float8[])[made.from_:made.to_], (%(upper80)s::float8[])[made.from_:made.to_],
           (%(lower95)s::float8[])[made.from_:made.to_], (%(upper95)s::float8[])[made.from_:made.to_]
    FROM unnest(%(made_under)s::bigint[], %(labels)s::text[], %(terms)s::text[], %(forecast_hashes)s::text[],
                %(directions)s::text[], %(generated_at)s::timestamptz[], %(froms)s::int[], %(tos)s::int[])
        AS made (lease_id, label, term, forecast_hash, direction, generated_at, from_, to_)
    JOIN ready ON ready.lease_id = made.lease_id
    ON CONFLICT ON CONSTRAINT forecast_record_unique DO NOTHING
)
SELECT id, lease_id FROM ready
"""

# Permanent, or out of attempts: failed, with a cool-down. Else back to the queue, after a full-jitter back-off.
FAIL = f"""
WITH settled AS (
    UPDATE warmup_jobs AS job SET
        status = CASE WHEN verdict.final THEN 'failed' ELSE 'queued' END,
        last_error = %(error)s,
        completed_at = CASE WHEN verdict.final THEN now() END,
        not_before = CASE WHEN NOT verdict.final THEN now() + make_interval(secs =>
            random() * LEAST(%(backoff_base)s * 2 ^ LEAST(job.attempts - 1, 20), %(backoff_cap)s)) END,
        failures = job.failures + CASE WHEN verdict.final THEN 1 ELSE 0 END,
        cooldown_until = CASE WHEN verdict.final THEN now() + make_interval(secs => CASE
            WHEN %(permanent)s THEN %(cooldown_permanent)s
            ELSE LEAST(%(cooldown_transient)s * 2 ^ LEAST(job.failures, 20), %(cooldown_cap)s) END) END,
        lease_expires_at = NULL,
        deadline_at = NULL,
        holder = NULL,
        version = job.version + 1,
        updated_at = now()
    FROM (
        SELECT id, (%(permanent)s OR attempts >= %(max_attempts)s) AS final FROM warmup_jobs WHERE id = %(id)s
    ) AS verdict
    WHERE job.id = verdict.id AND job.status = 'running' AND job.lease_id = %(lease_id)s
    RETURNING {JOB_COLUMNS}
)
SELECT settled.*, {NOTIFY} FROM settled
"""

# Not the job's fault (no slot, fenced off, drained): back as if it had never been claimed, its place kept.
HAND_BACK = f"""
WITH returned AS (
    UPDATE warmup_jobs AS job SET
        status = 'queued',
        attempts = GREATEST(job.attempts - 1, 0),
        last_error = COALESCE(%(error)s, job.last_error),
        not_before = now() + make_interval(secs => %(delay)s),
        lease_expires_at = NULL,
        deadline_at = NULL,
        holder = NULL,
        version = job.version + 1,
        updated_at = now()
    WHERE job.id = %(id)s AND job.status = 'running' AND job.lease_id = %(lease_id)s
    RETURNING {JOB_COLUMNS}
)
SELECT returned.*, {NOTIFY} FROM returned
"""

_BY_HAND = new_episode(
    queued_at=_KEEPS_ITS_PLACE, debug_id="gen_random_uuid()", reason="'by-hand'", priority="0", force="false"
)

# By id, whatever snapshot it is for: an operator knows why. Not while it runs.
REQUEUE = f"""
WITH requeued AS (
    UPDATE warmup_jobs AS job SET {_BY_HAND}
    WHERE job.id = ANY(%(ids)s) AND job.status <> 'running' AND job.status = COALESCE(%(status)s, job.status)
    RETURNING {JOB_COLUMNS}
)
SELECT requeued.*, {NOTIFY} FROM requeued ORDER BY id
"""

# A running job's holder learns of it at its next heartbeat, which finds no row.
CANCEL = f"""
UPDATE warmup_jobs AS job SET
    status = 'cancelled',
    last_error = 'cancelled by hand',
    completed_at = now(),
    not_before = NULL,
    lease_expires_at = NULL,
    deadline_at = NULL,
    holder = NULL,
    version = job.version + 1,
    updated_at = now()
WHERE job.id = %(id)s AND job.status IN ('queued', 'running')
RETURNING {JOB_COLUMNS}
"""

# Data that are newer make the jobs of older ones pointless. The holder of a running one learns of it at its next
# heartbeat, which finds no row.
SUPERSEDE = """
UPDATE warmup_jobs SET
    status = 'cancelled',
    last_error = 'superseded by newer data',
    completed_at = now(),
    not_before = NULL,
    lease_expires_at = NULL,
    deadline_at = NULL,
    holder = NULL,
    version = version + 1,
    updated_at = now()
WHERE slug = %(slug)s AND timeframe = %(timeframe)s AND geo = %(geo)s AND data_hash <> %(data_hash)s
  AND status IN ('queued', 'running')
RETURNING id
"""

# The forecaster's fence holds a lease above any that this database gave out: an old dump was restored. One at a time:
# two runs that are fenced off together must not, by looking and then setting, move the sequence back. A fence further
# ahead is not believed: no number would be left for the next lease.
LOCK_LEASE_SEQUENCE = "SELECT pg_advisory_xact_lock(hashtext('warmup_lease_ids'))"
ADVANCE_LEASE_SEQUENCE = f"""
SELECT setval('warmup_lease_ids', %(above)s)
FROM warmup_lease_ids WHERE %(above)s - last_value BETWEEN 1 AND {MOST_LEASES_AHEAD - 1}
"""
