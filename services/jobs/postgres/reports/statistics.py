"""Reads the statistics of a window: of one hour from attempts, of longer ones from their rollup."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from functools import partial

from psycopg.rows import DictRow

from services.jobs.domain.reports.statistics import (
    REFUSED,
    WINDOWS,
    Counted,
    Percentiles,
    Statistics,
    Window,
    percentiles,
    summarise,
)
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.reports.kept import Kept

# With more attempts in this hour and the one before, the window of an hour is read from the rollup too.
_MOST_EXACT = 100_000
_HOUR = timedelta(hours=1)
_KEPT = 2.0  # seconds, as every open tab of the console reads them after each change
_NOW = f"""
SELECT now() AS now, COALESCE(sum(count), 0) > {_MOST_EXACT} AS many
FROM attempt_statistics WHERE seconds = 3600 AND start > now() - interval '2 hours'
"""

# One row for each bar, outcome and error reason, and one with the percentiles.
_SHARES = "ARRAY[0.5, 0.95, 0.99]"
_EXACT = f"""
WITH ended AS MATERIALIZED (
    SELECT date_trunc('minute', ended_at) AS start, outcome, COALESCE(error_reason, '') AS error_reason,
           date_part('epoch', claimed_at - due_at) AS wait,
           CASE WHEN outcome = 'ready' THEN date_part('epoch', ended_at - claimed_at) END AS run,
           reason = 'cache-lost' AND attempt = 1 AND outcome <> 'handed-back' AS cache_lost
    FROM warmup_attempts WHERE ended_at >= %(begin)s
)
SELECT start, outcome, error_reason, count(*) AS count, count(*) FILTER (WHERE cache_lost) AS cache_losses,
       0 AS waits, NULL::float8[] AS wait, 0 AS runs, NULL::float8[] AS run
FROM ended GROUP BY 1, 2, 3
UNION ALL
SELECT date_trunc('minute', refused_at), '{REFUSED}', '', count(*), 0, 0, NULL, 0, NULL
FROM warmup_attempts WHERE refused_at >= %(begin)s GROUP BY 1
UNION ALL
SELECT NULL, '', '', 0, 0, count(wait), percentile_cont({_SHARES}) WITHIN GROUP (ORDER BY wait),
       count(run), percentile_cont({_SHARES}) WITHIN GROUP (ORDER BY run)
FROM ended
"""

_COUNTS = """
SELECT to_timestamp(floor(date_part('epoch', start) / %(bar)s) * %(bar)s) AS start, outcome, error_reason,
       sum(count)::bigint AS count, sum(cache_losses)::bigint AS cache_losses
FROM attempt_statistics WHERE seconds = %(seconds)s AND start >= %(begin)s
GROUP BY 1, 2, 3
"""


def _histogram(measure: str) -> str:
    return f"""
SELECT '{measure}' AS measure, part.bucket, sum(part.count)::bigint AS count
FROM rows, unnest({measure}_buckets, {measure}_counts) AS part (bucket, count)
GROUP BY 2"""


# Whole hours from their rows, which are a sixtieth of those of minutes; the current one has a row too.
_HISTOGRAMS = f"""
WITH rows AS MATERIALIZED (
    SELECT wait_buckets, wait_counts, run_buckets, run_counts FROM attempt_statistics
    WHERE seconds = 3600 AND start >= %(first_hour)s
    UNION ALL
    SELECT wait_buckets, wait_counts, run_buckets, run_counts FROM attempt_statistics
    WHERE seconds = 60 AND start >= %(begin)s AND start < %(first_hour)s
)
{_histogram("wait")} UNION ALL {_histogram("run")}
"""


class AttemptStatistics:
    """Statistics in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._windows = {window: Kept(partial(self._read, window), seconds=_KEPT) for window in WINDOWS.values()}

    async def of(self, window: Window) -> Statistics:
        """The statistics of the window until now, by PostgreSQL's clock; at most 2 s old."""
        return await self._windows[window].get()

    async def _read(self, window: Window) -> Statistics:
        [clock] = await self._database.fetch(_NOW)
        now: datetime = clock["now"]
        if window.hours == 1 and not clock["many"]:
            return await self._exact(window, now)
        return await self._bucketed(window, now)

    async def _exact(self, window: Window, now: datetime) -> Statistics:
        rows = await self._database.fetch(_EXACT, {"begin": window.begin(now)})
        [measured] = [row for row in rows if row["start"] is None]
        return summarise(
            window,
            now=now,
            counted=[Counted(*(row[field.name] for field in fields(Counted))) for row in rows if row["start"]],
            wait=_exact(measured["waits"], measured["wait"]),
            run=_exact(measured["runs"], measured["run"]),
            bucketed=False,
        )

    async def _bucketed(self, window: Window, now: datetime) -> Statistics:
        seconds = 3600 if window.bar.total_seconds() % 3600 == 0 else 60
        begin = window.begin(now)
        span = {"begin": begin, "bar": int(window.bar.total_seconds()), "seconds": seconds}
        counted = await self._database.fetch(_COUNTS, span)
        first_hour = (begin + _HOUR - timedelta(microseconds=1)).replace(minute=0, second=0, microsecond=0)
        measured = await self._database.fetch(_HISTOGRAMS, {"begin": begin, "first_hour": first_hour})
        return summarise(
            window,
            now=now,
            counted=[Counted(**row) for row in counted],
            wait=_from_histogram(measured, "wait"),
            run=_from_histogram(measured, "run"),
            bucketed=True,
        )


def _exact(count: int, values: list[float] | None) -> Percentiles:
    return Percentiles(count, *values) if values else Percentiles()


def _from_histogram(rows: list[DictRow], measure: str) -> Percentiles:
    return percentiles({row["bucket"]: row["count"] for row in rows if row["measure"] == measure})
