"""SQL of claims: queued jobs become running, under new leases, and their series are returned.

Time is PostgreSQL's. The policy's parameters are in seconds.
"""

from __future__ import annotations

import re

from services.jobs.postgres.sql.actions import recorded

# The columns that a run needs: a claim returns many rows, and whole ones cost a third more.
CLAIMED_COLUMNS = (
    "id, slug, timeframe, geo, data_hash, attempts, debug_id, lease_id, adopt_above_lease, force, trace_id, priority, "
    "queued_at"
)
_CLAIMED_JOB_COLUMNS = ", ".join(f"job.{column}" for column in CLAIMED_COLUMNS.split(", "))
SERIES_COLUMNS = (
    "pair.term_a, pair.term_b, snapshot.times, snapshot.values_a, snapshot.values_b, snapshot.partial_last_period, "
    "snapshot.scaled_apart, snapshot.gaps_filled, snapshot.source, snapshot.as_of"
)
# Packed: a claim returns many series, and each is unpacked when its run needs it.
PACKED_SERIES_COLUMNS = re.sub(r"snapshot\.(times|values_a|values_b)", r"array_send(snapshot.\1) AS \1", SERIES_COLUMNS)

# A trace of its own for each run. gen_random_uuid() reads from the kernel for each row, which is four times slower.
_NEW_TRACE = "encode(substr(sha256((%(trace_seed)s || job.id)::bytea), 1, 16), 'hex')::uuid"


# One round trip: each row has a claimed job with its series, when the next claim is due, and whether leases expired.
# ARRAY makes the planner look up the jobs by primary key; with a join it assumes a tenth of the queue, and scans.
# LIMIT 1 on the series, of which each job has one, prevents a scan in the same way.
def _claim(selected: str, *more: str) -> str:
    """Claims the jobs that `selected` returns; `more` are further CTEs."""
    return f"""
WITH next AS MATERIALIZED ({selected}),
claimed AS (
    UPDATE warmup_jobs AS job SET
        status = 'running',
        attempts = job.attempts + 1,
        lease_id = nextval('warmup_lease_ids'),
        lease_expires_at = now() + make_interval(secs => LEAST(%(lease)s, %(attempt_deadline)s)),
        deadline_at = now() + make_interval(secs => %(attempt_deadline)s),
        holder = %(holder)s,
        trace_id = COALESCE(%(trace_id)s::uuid, {_NEW_TRACE}),
        due_at = LEAST(GREATEST(job.queued_at, job.not_before), now()),
        started_at = now(),
        not_before = NULL,
        version = job.version + 1,
        updated_at = now()
    WHERE job.id = ANY (ARRAY(SELECT id FROM next))
    RETURNING {_CLAIMED_JOB_COLUMNS}
){"".join(f",{each}" for each in more)}
SELECT claimed.*, series.*, queue.seconds_until_due, queue.leases_expired
FROM (
    SELECT EXTRACT(epoch FROM LEAST(
            (SELECT min(not_before) FROM warmup_jobs WHERE status = 'queued' AND not_before > now()),
            (SELECT min(lease_expires_at) FROM warmup_jobs WHERE status = 'running')
        ) - now())::float8 AS seconds_until_due,
        EXISTS (SELECT FROM warmup_jobs WHERE status = 'running' AND lease_expires_at <= now())
        OR EXISTS (SELECT FROM warmup_jobs WHERE status = 'running' AND lease_expires_at IS NULL) AS leases_expired
) AS queue
LEFT JOIN claimed ON true
LEFT JOIN LATERAL (
    SELECT {PACKED_SERIES_COLUMNS}
    FROM snapshots AS snapshot JOIN term_pairs AS pair USING (slug)
    WHERE snapshot.slug = claimed.slug AND snapshot.timeframe = claimed.timeframe
      AND snapshot.geo = claimed.geo AND snapshot.data_hash = claimed.data_hash
    LIMIT 1
) AS series ON true
"""


CLAIM = _claim("""
    SELECT id FROM warmup_jobs
    WHERE status = 'queued' AND (not_before IS NULL OR not_before <= now())
    ORDER BY priority, queued_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
""")

# One job by hand, also before its time. Waits for another claim of it, and then finds it running.
CLAIM_ONE = _claim(
    "SELECT id FROM warmup_jobs WHERE id = %(id)s AND status = 'queued' FOR UPDATE", recorded("claimed", "run")
)
