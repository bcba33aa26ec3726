"""Writes the statistics of attempts: one row a minute, outcome and error reason, and one an hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.jobs.domain.statistics import FIRST, LAST_BUCKET, RATIO, REFUSED
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.driver.database import Database

# Minutes that are computed again: a transaction commits after the moment that its attempts have as their end.
_AGAIN = timedelta(minutes=5)
_LONGEST = 60.0  # seconds

# One process at a time; the others leave the work to it.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('attempt_statistics')) AS locked"
# Without a position: from the first attempt.
_POSITION = """
SELECT date_trunc('minute', now()) AS minute,
       COALESCE((SELECT until FROM attempt_statistics_position),
                date_trunc('minute', LEAST(now(), (SELECT min(ended_at) FROM warmup_attempts)))) AS until,
       COALESCE((SELECT updated_at > now() - make_interval(secs => %(pause)s) FROM attempt_statistics_position), false)
           AS recent
"""
_SAVE_POSITION = """
INSERT INTO attempt_statistics_position (singleton, until) VALUES (true, %(until)s)
ON CONFLICT (singleton) DO UPDATE SET until = EXCLUDED.until, updated_at = now()
"""
_DELETE_MINUTES = "DELETE FROM attempt_statistics WHERE seconds = 60 AND start >= %(from)s AND start < %(to)s"


def _bucket(seconds: str) -> str:
    return (
        f"CASE WHEN {seconds} <= {FIRST} THEN 0 "
        f"ELSE LEAST({LAST_BUCKET}, ceil(ln({seconds} / {FIRST}) / ln({RATIO}::float8)))::int END"
    )


def _histogram(source: str, bucket: str, where: str) -> str:
    """A histogram for each group of `source`: arrays of its buckets and their counts."""
    return f"""
    SELECT start, outcome, error_reason, array_agg(bucket ORDER BY bucket) AS buckets,
           array_agg(count ORDER BY bucket) AS counts
    FROM (
        SELECT start, outcome, error_reason, {bucket} AS bucket, count(*) AS count
        FROM {source} WHERE {where} GROUP BY 1, 2, 3, 4
    ) AS counted
    GROUP BY start, outcome, error_reason"""


# A cache loss is an episode, counted when its first attempt ends; one that is handed back is not the first.
_INSERT_MINUTES = f"""
WITH ended AS MATERIALIZED (
    SELECT date_trunc('minute', ended_at) AS start, outcome, COALESCE(error_reason, '') AS error_reason,
           EXTRACT(epoch FROM claimed_at - due_at)::float8 AS wait,
           EXTRACT(epoch FROM ended_at - claimed_at)::float8 AS run,
           reason = 'cache-lost' AND attempt = 1 AND outcome <> 'handed-back' AS cache_lost
    FROM warmup_attempts WHERE ended_at >= %(from)s AND ended_at < %(to)s
),
totals AS (
    SELECT start, outcome, error_reason, count(*) AS count, count(*) FILTER (WHERE cache_lost) AS cache_losses
    FROM ended GROUP BY 1, 2, 3
),
waits AS ({_histogram("ended", _bucket("wait"), "wait IS NOT NULL")}),
runs AS ({_histogram("ended", _bucket("run"), "outcome = 'ready'")})
INSERT INTO attempt_statistics (seconds, start, outcome, error_reason, count, cache_losses, wait_buckets, wait_counts,
                                run_buckets, run_counts)
SELECT 60, start, outcome, error_reason, count, cache_losses, COALESCE(waits.buckets, '{{}}'),
       COALESCE(waits.counts, '{{}}'), COALESCE(runs.buckets, '{{}}'), COALESCE(runs.counts, '{{}}')
FROM totals
LEFT JOIN waits USING (start, outcome, error_reason)
LEFT JOIN runs USING (start, outcome, error_reason)
UNION ALL
SELECT 60, date_trunc('minute', refused_at), '{REFUSED}', '', count(*), 0, '{{}}', '{{}}', '{{}}', '{{}}'
FROM warmup_attempts WHERE refused_at >= %(from)s AND refused_at < %(to)s
GROUP BY 2
"""

_DELETE_HOURS = """
DELETE FROM attempt_statistics
WHERE seconds = 3600 AND start >= date_trunc('hour', %(from)s::timestamptz) AND start < %(to)s
"""


def _summed(measure: str) -> str:
    """A histogram for each hour from those of its minutes."""
    return f"""
    SELECT hour, outcome, error_reason, array_agg(bucket ORDER BY bucket) AS buckets,
           array_agg(count ORDER BY bucket) AS counts
    FROM (
        SELECT hour, outcome, error_reason, part.bucket, sum(part.count)::bigint AS count
        FROM minutes, unnest({measure}_buckets, {measure}_counts) AS part (bucket, count)
        GROUP BY 1, 2, 3, 4
    ) AS counted
    GROUP BY hour, outcome, error_reason"""


_INSERT_HOURS = f"""
WITH minutes AS MATERIALIZED (
    SELECT date_trunc('hour', start) AS hour, * FROM attempt_statistics
    WHERE seconds = 60 AND start >= date_trunc('hour', %(from)s::timestamptz)
      AND start < date_trunc('hour', %(to)s::timestamptz - interval '1 second') + interval '1 hour'
),
totals AS (
    SELECT hour, outcome, error_reason, sum(count) AS count, sum(cache_losses) AS cache_losses
    FROM minutes GROUP BY 1, 2, 3
),
waits AS ({_summed("wait")}),
runs AS ({_summed("run")})
INSERT INTO attempt_statistics (seconds, start, outcome, error_reason, count, cache_losses, wait_buckets, wait_counts,
                                run_buckets, run_counts)
SELECT 3600, hour, outcome, error_reason, count, cache_losses, COALESCE(waits.buckets, '{{}}'),
       COALESCE(waits.counts, '{{}}'), COALESCE(runs.buckets, '{{}}'), COALESCE(runs.counts, '{{}}')
FROM totals
LEFT JOIN waits USING (hour, outcome, error_reason)
LEFT JOIN runs USING (hour, outcome, error_reason)
"""

DELETE_OLD = """
WITH old AS MATERIALIZED (
    SELECT seconds, start, outcome, error_reason FROM attempt_statistics
    WHERE seconds IN (60, 3600) AND start < now() - make_interval(days => %(days)s)
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
deleted AS (
    DELETE FROM attempt_statistics AS row USING old
    WHERE row.seconds = old.seconds AND row.start = old.start AND row.outcome = old.outcome
      AND row.error_reason = old.error_reason
    RETURNING row.start
)
SELECT count(*) AS deleted FROM deleted
"""


class Rollup:
    """The statistics in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def advance(self, *, most: timedelta, pause: float) -> timedelta:
        """Computes the next minutes, at most `most` further, and the last ones again; returns what is left.

        Changes nothing while another process computes, or did within `pause` seconds unless it left some.
        """
        async with self._database.transaction(longest=_LONGEST) as connection:
            [lock] = await run(connection, _LOCK)
            if not lock["locked"]:
                return timedelta(0)
            [position] = await run(connection, _POSITION, {"pause": pause})
            minute, until = position["minute"], min(position["until"], position["minute"])
            if position["recent"] and until == minute:
                return timedelta(0)
            reached = min(minute, until + most)
            # The current minute too, as far as it has come.
            end = reached + timedelta(minutes=1) if reached == minute else reached
            await _compute(connection, until - _AGAIN, end)
            await run(connection, _SAVE_POSITION, {"until": reached})
        left: timedelta = minute - reached
        return left


async def _compute(connection: Connection, begin: datetime, end: datetime) -> None:
    # Deleted and inserted, so that a repetition changes nothing.
    span = {"from": begin, "to": end}
    for statement in (_DELETE_MINUTES, _INSERT_MINUTES, _DELETE_HOURS, _INSERT_HOURS):
        await run(connection, statement, span)
