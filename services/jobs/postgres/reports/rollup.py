"""Writes the statistics of attempts: one row a minute, outcome and error reason, and one an hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.jobs.domain.reports.statistics import FIRST, LAST_BUCKET, RATIO, REFUSED
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


def _insert(seconds: int, parts: str) -> str:
    """Inserts one row for each group of `parts`, of which each has some of the columns, and null for the others."""
    # Not a join of the parts: sessions allow only nested loops. Of one value and nulls, max is the value.
    return f"""
INSERT INTO attempt_statistics (seconds, start, outcome, error_reason, count, cache_losses, wait_buckets, wait_counts,
                                run_buckets, run_counts)
SELECT {seconds}, start, outcome, error_reason, sum(count), sum(cache_losses), COALESCE(max(wait_buckets), '{{}}'),
       COALESCE(max(wait_counts), '{{}}'), COALESCE(max(run_buckets), '{{}}'), COALESCE(max(run_counts), '{{}}')
FROM ({parts}) AS part
GROUP BY start, outcome, error_reason
"""


_NO_HISTOGRAM = "NULL::int[], NULL::bigint[]"


def _histogram(measure: str, counted: str) -> str:
    """A part with a histogram, from the count of each bucket."""
    arrays = "array_agg(bucket ORDER BY bucket)::int[], array_agg(count ORDER BY bucket)::bigint[]"
    histograms = f"{arrays}, {_NO_HISTOGRAM}" if measure == "wait" else f"{_NO_HISTOGRAM}, {arrays}"
    return f"""
    SELECT start, outcome, error_reason, 0, 0, {histograms} FROM ({counted}) AS counted
    GROUP BY start, outcome, error_reason"""


def _of_attempts(measure: str, where: str) -> str:
    bucket = (
        f"CASE WHEN {measure} <= {FIRST} THEN 0 "
        f"ELSE LEAST({LAST_BUCKET}, ceil(ln({measure} / {FIRST}) / ln({RATIO}::float8))) END::int"
    )
    return _histogram(
        measure,
        f"SELECT start, outcome, error_reason, {bucket} AS bucket, count(*) AS count FROM ended WHERE {where} "
        "GROUP BY 1, 2, 3, 4",
    )


def _of_minutes(measure: str) -> str:
    return _histogram(
        measure,
        "SELECT start, outcome, error_reason, sums.bucket, sum(sums.count) AS count "
        f"FROM minutes, unnest({measure}_buckets, {measure}_counts) AS sums (bucket, count) GROUP BY 1, 2, 3, 4",
    )


# A cache loss is an episode, counted when its first attempt ends; one that is handed back is not the first.
_INSERT_MINUTES = """
WITH ended AS MATERIALIZED (
    SELECT date_trunc('minute', ended_at) AS start, outcome, COALESCE(error_reason, '') AS error_reason,
           date_part('epoch', claimed_at - due_at) AS wait, date_part('epoch', ended_at - claimed_at) AS run,
           (reason = 'cache-lost' AND attempt = 1 AND outcome <> 'handed-back')::int AS cache_loss
    FROM warmup_attempts WHERE ended_at >= %(from)s AND ended_at < %(to)s
)
""" + _insert(
    60,
    f"""
    SELECT start, outcome, error_reason, count(*) AS count, sum(cache_loss) AS cache_losses,
           NULL::int[] AS wait_buckets, NULL::bigint[] AS wait_counts,
           NULL::int[] AS run_buckets, NULL::bigint[] AS run_counts
    FROM ended GROUP BY 1, 2, 3
    UNION ALL
    SELECT date_trunc('minute', refused_at), '{REFUSED}', '', count(*), 0, {_NO_HISTOGRAM}, {_NO_HISTOGRAM}
    FROM warmup_attempts WHERE refused_at >= %(from)s AND refused_at < %(to)s GROUP BY 1
    UNION ALL {_of_attempts("wait", "wait IS NOT NULL")}
    UNION ALL {_of_attempts("run", "outcome = 'ready'")}""",
)

_DELETE_HOURS = """
DELETE FROM attempt_statistics
WHERE seconds = 3600 AND start >= date_trunc('hour', %(from)s::timestamptz) AND start < %(to)s
"""


_INSERT_HOURS = """
WITH minutes AS MATERIALIZED (
    SELECT date_trunc('hour', start) AS start, outcome, error_reason, count, cache_losses,
           wait_buckets, wait_counts, run_buckets, run_counts
    FROM attempt_statistics
    WHERE seconds = 60 AND start >= date_trunc('hour', %(from)s::timestamptz)
      AND start < date_trunc('hour', %(to)s::timestamptz - interval '1 second') + interval '1 hour'
)
""" + _insert(
    3600,
    f"""
    SELECT start, outcome, error_reason, sum(count) AS count, sum(cache_losses) AS cache_losses,
           NULL::int[] AS wait_buckets, NULL::bigint[] AS wait_counts,
           NULL::int[] AS run_buckets, NULL::bigint[] AS run_counts
    FROM minutes GROUP BY 1, 2, 3
    UNION ALL {_of_minutes("wait")}
    UNION ALL {_of_minutes("run")}""",
)

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
