"""The rows of a long-running product: comparisons with forecasts that will be stale soon, and old jobs."""

from __future__ import annotations

import psycopg

# For each number: a comparison requested an hour ago with a job of 23 hours ago and no bundles, and a snapshot and job
# of a year ago that newer data replaced. Each job has two forecasts.
_FILL = """
INSERT INTO term_pairs (slug, term_a, term_b)
SELECT 'market-vs-shop-' || n, 'market', 'shop ' || n FROM generate_series(1, %(count)s::int) AS n;

INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period,
                       scaled_apart, gaps_filled, source, as_of, cleaned, signals, created_at)
SELECT 'market-vs-shop-' || n, '12m', '', lpad(to_hex(2 * n + current), 16, '0'),
       ARRAY(SELECT made - (53 - week) * interval '7 days' FROM generate_series(1, 53) AS week),
       ARRAY(SELECT ((week * 7 + n) %% 100)::float8 FROM generate_series(1, 53) AS week),
       ARRAY(SELECT ((week * 3 + n) %% 100)::float8 FROM generate_series(1, 53) AS week),
       false, false, false, 'benchmark', made, '{}',
       '[{"trend": "flat", "volatility": 1, "seasonality": 0, "last_value": 50, "change4": 0},
         {"trend": "flat", "volatility": 1, "seasonality": 0, "last_value": 50, "change4": 0}]', made
FROM generate_series(1, %(count)s::int) AS n,
     (VALUES (0, date_trunc('day', now()) - interval '1 year'), (1, date_trunc('day', now()))) AS ages (current, made);

INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id, demand, last_requested_at)
SELECT slug, timeframe, geo, id, id %% 97, now() - interval '1 hour'
FROM snapshots WHERE created_at > now() - interval '100 days';

INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, attempts, created_at, updated_at, queued_at,
                         started_at, completed_at, engine_version)
SELECT slug, timeframe, geo, data_hash, 'ready', 1, at, at, at, at, at, '4'
FROM (SELECT *, LEAST(created_at, now() - interval '23 hours') AS at FROM snapshots) AS made;

INSERT INTO forecast_records (job_id, lease_id, label, term, engine_version, forecast_hash, direction, generated_at,
                              times, point_values, lower80, upper80, lower95, upper95)
SELECT id, id, label, term, '4', data_hash, 'stable', updated_at,
       ARRAY(SELECT updated_at + week * interval '7 days' FROM generate_series(1, 13) AS week),
       horizon, horizon, horizon, horizon, horizon
FROM warmup_jobs, (VALUES ('termA', 'market'), ('termB', 'shop')) AS labels (label, term),
     (SELECT array_agg(week::float8) AS horizon FROM generate_series(1, 13) AS week) AS made;
"""


def fill(url: str, count: int) -> None:
    """Inserts `count` comparisons and as many old jobs, without triggers and notifications.

    The database must be at the head of the migrations, and empty.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in _FILL.split(";\n"):
            if statement.strip():
                connection.execute(statement, {"count": count})
        connection.execute("VACUUM ANALYZE")
