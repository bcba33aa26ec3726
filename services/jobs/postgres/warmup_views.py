"""The state of warmups for premium calls: one statement for any number of comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.rows import DictRow

from services.common.comparison import ComparisonKey
from services.jobs.domain.warmup import WarmupView
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.rows import to_job, to_place, to_signals
from services.jobs.postgres.sql import edges

# Unique indexes only, except for the place in the queue.
VIEWS = f"""
SELECT requested.place, pair.term_a, pair.term_b,
       current.data_hash AS current_data_hash, current.signals,
       previous.data_hash AS previous_data_hash, previous_job.engine_version AS previous_engine_version,
       job.id IS NOT NULL AS has_job,
       COALESCE(CASE job.status
           WHEN 'queued' THEN GREATEST(job.queued_at, job.not_before) < now() - make_interval(secs => %(overdue_after)s)
               -- Runners are notified once a minute, however many callers find the job overdue.
               AND job.updated_at < now() - make_interval(secs => LEAST(%(overdue_after)s, 60))
           WHEN 'running' THEN COALESCE(job.lease_expires_at, '-infinity') <= now()
       END, false) AS overdue,
       COALESCE(job.status = 'queued' AND job.priority > 0, false) AS deferred,
       CASE WHEN job.status = 'failed' AND job.cooldown_until > now()
           THEN EXTRACT(epoch FROM job.cooldown_until - now())::float8 ELSE 0 END AS cooldown_seconds,
       {edges.JOB_COLUMNS}, place.*
FROM unnest(%(slugs)s::text[], %(timeframes)s::text[], %(geos)s::text[]) WITH ORDINALITY
    AS requested (slug, timeframe, geo, place)
JOIN comparisons AS comparison ON comparison.slug = requested.slug AND comparison.timeframe = requested.timeframe
    AND comparison.geo = requested.geo
JOIN term_pairs AS pair ON pair.slug = comparison.slug
JOIN snapshots AS current ON current.id = comparison.current_snapshot_id
LEFT JOIN snapshots AS previous ON previous.id = comparison.previous_snapshot_id
LEFT JOIN warmup_jobs AS previous_job ON previous_job.slug = previous.slug
    AND previous_job.timeframe = previous.timeframe AND previous_job.geo = previous.geo
    AND previous_job.data_hash = previous.data_hash
LEFT JOIN warmup_jobs AS job ON job.slug = comparison.slug AND job.timeframe = comparison.timeframe
    AND job.geo = comparison.geo AND job.data_hash = current.data_hash
LEFT JOIN LATERAL ({edges.PLACE}) AS place ON true
"""


async def views(database: Database, keys: Sequence[ComparisonKey], *, overdue_after: float) -> list[WarmupView | None]:
    """The state of the warmup of each current snapshot, in order; None for an unknown comparison."""
    parameters = {
        "slugs": [key.slug for key in keys],
        "timeframes": [key.timeframe for key in keys],
        "geos": [key.geo for key in keys],
        "overdue_after": overdue_after,
    }
    found: list[WarmupView | None] = [None] * len(keys)
    for row in await database.fetch(VIEWS, parameters):
        place = row["place"] - 1  # the first is 1
        found[place] = _view(keys[place], row)
    return found


def _view(key: ComparisonKey, row: DictRow) -> WarmupView:
    return WarmupView(
        key=key,
        terms=(row["term_a"], row["term_b"]),
        data_hash=row["current_data_hash"],
        signals=to_signals(row["signals"]),
        previous_data_hash=row["previous_data_hash"],
        previous_engine_version=row["previous_engine_version"],
        job=to_job(row) if row["has_job"] else None,
        place=to_place(row),
        overdue=row["overdue"],
        deferred=row["deferred"],
        cooldown_seconds=row["cooldown_seconds"],
    )
