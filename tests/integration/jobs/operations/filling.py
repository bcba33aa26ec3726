"""Many jobs at once, for operations on all that match."""

from __future__ import annotations

from tests.integration.jobs.conftest import Store

FILL = (
    "INSERT INTO term_pairs SELECT 'a-vs-term' || n, 'a', 'term' || n FROM generate_series(1, %(count)s::int) AS n",
    """
    INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period,
                           scaled_apart, gaps_filled, source, as_of, cleaned, signals)
    SELECT 'a-vs-term' || n, '12m', '', 'hash' || n, '{}', '{}', '{}', false, false, false, 'test', now(), '{}', '[]'
    FROM generate_series(1, %(count)s::int) AS n
    """,
    """
    INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id)
    SELECT slug, timeframe, geo, id FROM snapshots
    """,
    """
    INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status)
    SELECT slug, timeframe, geo, data_hash, %(status)s FROM snapshots ORDER BY id
    """,
)


async def fill(store: Store, count: int, status: str = "failed") -> list[int]:
    """Creates comparisons with a job each, all in one status; returns the jobs' ids."""
    async with store.database.transaction(longest=60) as connection:
        for statement in FILL:
            await connection.execute(statement, {"count": count, "status": status})
    rows = await store.execute("SELECT id FROM warmup_jobs ORDER BY id")
    return [int(str(row["id"])) for row in rows]
