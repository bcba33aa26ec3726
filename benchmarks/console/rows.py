"""Rows of a long-running product with a history: comparisons, jobs of all their snapshots, and ended attempts."""

from __future__ import annotations

import psycopg

SNAPSHOTS = 10  # of each comparison; each has a job
DAYS = 7  # over which the attempts have ended

# Each pair of terms has four comparisons. The popular ones have most requests, as few terms have in any product.
# A fifth has the timeframe 3m, a fifth the geo DE, a fifth the reason first-call, a fifth the engine version 8; one in
# 2,000 has the geo LI, and one in 1,009 the reason cache-lost.
_FILL = """
INSERT INTO term_pairs (slug, term_a, term_b)
SELECT 'market-vs-shop-' || n, 'market', 'shop ' || n FROM generate_series(1, %(comparisons)s / 4) AS n;

INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period,
                       scaled_apart, gaps_filled, source, as_of, cleaned, signals, created_at)
SELECT 'market-vs-shop-' || (1 + n / 4),
       CASE WHEN n %% 4 >= 2 THEN '5y' WHEN n / 4 %% 5 < 2 THEN '3m' ELSE '12m' END,
       CASE WHEN n %% 2 = 0 THEN '' WHEN n / 4 %% 1000 = 1 THEN 'LI' WHEN n / 4 %% 5 > 2 THEN 'DE' ELSE 'US' END,
       lpad(to_hex(age * %(comparisons)s + n), 16, '0'),
       times, times_a, times_a, false, false, false, 'benchmark', made, '{}',
       '[{"trend": "flat", "volatility": 1, "seasonality": 0, "last_value": 50, "change4": 0},
         {"trend": "flat", "volatility": 1, "seasonality": 0, "last_value": 50, "change4": 0}]',
       made + n * interval '1 ms'
FROM generate_series(0, %(snapshots)s - 1) AS age,
     LATERAL (SELECT now() - age * interval '30 days' - interval '9 days' AS made) AS dated,
     LATERAL (
        SELECT array_agg(made - week * interval '7 days' ORDER BY week DESC) AS times,
               array_agg(week::float8 ORDER BY week DESC) AS times_a
        FROM generate_series(0, CASE WHEN age = 0 THEN 52 ELSE 4 END) AS week
     ) AS series,
     generate_series(0, %(comparisons)s - 1) AS n
ORDER BY age DESC, n;

INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id, previous_snapshot_id, demand, last_requested_at)
SELECT slug, timeframe, geo, current.id, current.id - %(comparisons)s,
       CASE WHEN n %% 4 < 3 THEN 1 + 1e5 / (1 + n) ELSE 0 END,
       CASE WHEN n %% 4 < 3 THEN now() - random() * interval '14 days' END
FROM snapshots AS current, LATERAL (SELECT current.id %% %(comparisons)s AS n) AS numbered
WHERE created_at > now() - interval '20 days';

INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, attempts, created_at, updated_at, queued_at,
                         started_at, completed_at, lease_id, lease_expires_at, deadline_at, holder, reason, last_error,
                         error_reason, cooldown_until, engine_version)
SELECT slug, timeframe, geo, data_hash, status, 1, created_at,
       done, done, done, CASE WHEN status IN ('ready', 'failed', 'cancelled') THEN done END, id,
       CASE WHEN status = 'running' THEN now() + interval '1 day' + random() * interval '15 s' END,
       CASE WHEN status = 'running' THEN now() + interval '2 days' END,
       CASE WHEN status = 'running' THEN 'jobs-' || id %% 5 END,
       CASE WHEN id %% 1009 = 7 THEN 'cache-lost' WHEN fifth = 4 THEN 'first-call' WHEN fifth = 2 THEN 'import'
            ELSE 'refresh' END,
       CASE WHEN status = 'failed' THEN 'the series cannot be forecast' END,
       CASE WHEN status = 'failed' THEN 'unwarmable' END,
       CASE WHEN status = 'failed' THEN now() + interval '1 day' END, CASE WHEN fifth = 3 THEN '8' ELSE '9' END
FROM (
    SELECT *, GREATEST(created_at, now() - random() * interval '9 days') AS done, abs(hashint8(id)) %% 5 AS fifth,
           CASE WHEN id %% 51 = 0 THEN 'failed' WHEN id %% 51 = 1 THEN 'cancelled'
                WHEN created_at < now() - interval '20 days' THEN 'ready'
                WHEN id %% 51 = 2 THEN 'queued' WHEN id %% 511 = 3 THEN 'running' ELSE 'ready' END AS status
    FROM snapshots
) AS made
ORDER BY id;

INSERT INTO warmup_attempts (job_id, lease_id, attempt, reason, holder, due_at, claimed_at, ended_at, outcome,
                             error_reason, error, engine_version, debug_id, trace_id, refused_at)
SELECT 1 + (n * 7919::bigint) %% %(jobs)s, n, 1 + n %% 3,
       CASE WHEN n %% 40 = 0 THEN 'cache-lost' ELSE 'refresh' END,
       'jobs-' || n %% 5, ended - run - wait, ended - run, ended, outcome,
       CASE outcome WHEN 'retry' THEN 'cache-unavailable' WHEN 'failed' THEN 'unwarmable'
                    WHEN 'handed-back' THEN 'busy' END,
       CASE WHEN outcome IN ('retry', 'failed') THEN 'the forecast cache is unavailable' END,
       CASE WHEN outcome = 'ready' THEN '9' END, gen_random_uuid(), gen_random_uuid(),
       CASE WHEN outcome = 'lease-expired' AND n %% 200 = 7 THEN ended + interval '20 s' END
FROM generate_series(1, %(attempts)s::bigint) AS n,
     LATERAL (
        SELECT now() - interval '1 day' * %(days)s * (1 - n / %(attempts)s::float8) AS ended,
               exp(1 + random() * 5) * interval '1 ms' AS wait, exp(5 + random() * 3) * interval '1 ms' AS run,
               CASE n %% 100 WHEN 1 THEN 'failed' WHEN 2 THEN 'retry' WHEN 3 THEN 'retry' WHEN 4 THEN 'handed-back'
                             WHEN 7 THEN 'lease-expired' ELSE 'ready' END AS outcome
     ) AS moments;

INSERT INTO operator_actions (at, operator, action, target, reason, count, request_id)
SELECT now() - n * interval '5 minutes', 'operator ' || n %% 7, 'requeue', jsonb_build_object('jobId', n),
       'benchmark', 1, gen_random_uuid()
FROM generate_series(1, %(jobs)s / 10) AS n;

INSERT INTO schedule_runs (schedule, started_at, ended_at, succeeded, count, detail)
SELECT name, now() - n * interval '5 minutes', now() - n * interval '5 minutes', true, 1, ''
FROM generate_series(1, 20000) AS n, unnest(ARRAY['run-warmup', 'sweep', 'refresh', 'retention']) AS name;

INSERT INTO forecast_score_sums
SELECT (now() AT TIME ZONE 'UTC')::date - n, timeframe, 200, 180, 120, 260, 5200, 4100, 4900, 900, 390, 350
FROM generate_series(0, 400) AS n, unnest(ARRAY['7d', '30d', '3m', '12m', '5y', 'all']) AS timeframe;

INSERT INTO accuracy_sums
SELECT date_trunc('week', now() AT TIME ZONE 'UTC')::date - 7 * n, timeframe, version, measure, 1400, 2800, 1900, 1800,
       5600, 3800, 3300
FROM generate_series(0, 57) AS n, unnest(ARRAY['7d', '30d', '3m', '12m', '5y', 'all']) AS timeframe,
     unnest(ARRAY['8', '9', '10']) AS version,
     unnest(ARRAY['interval-80', 'interval-95', 'winner', 'direction', 'mae', 'mase', 'confidence', 'confidence-0',
                  'confidence-50', 'confidence-60', 'confidence-70', 'confidence-80', 'confidence-90']) AS measure
"""


def fill(url: str, *, jobs: int, attempts: int, analyze: bool = True) -> None:
    """Inserts the rows, without triggers and notifications. The database must be at the head, and empty."""
    parameters = {
        "comparisons": jobs // SNAPSHOTS,
        "snapshots": SNAPSHOTS,
        "jobs": jobs,
        "attempts": attempts,
        "days": DAYS,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in _FILL.split(";\n"):
            connection.execute(statement, parameters)
        connection.execute("SELECT setval('warmup_lease_ids', %(attempts)s)", parameters)
        if analyze:
            connection.execute("VACUUM ANALYZE")


def scatter_jobs(url: str) -> None:
    """Moves each job to another page than its neighbours in the list, as years of updates do."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE INDEX scattered ON warmup_jobs (hashint8(id))")
        connection.execute("CLUSTER warmup_jobs USING scattered")
        connection.execute("DROP INDEX scattered")
        connection.execute("VACUUM ANALYZE warmup_jobs")
