"""Sums of the scores of forecasts by week, timeframe, engine version and measure.

Scores that exist are summed. Those that code of the previous release adds are not: until all replicas run this release,
they are only in the sums without engine versions.
"""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE accuracy_sums (
    week DATE NOT NULL,
    timeframe TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    measure TEXT NOT NULL,
    forecasts BIGINT NOT NULL,
    trials BIGINT NOT NULL,
    hits DOUBLE PRECISION NOT NULL,
    said DOUBLE PRECISION NOT NULL,
    trials_squared DOUBLE PRECISION NOT NULL,
    trials_hits DOUBLE PRECISION NOT NULL,
    hits_squared DOUBLE PRECISION NOT NULL,
    CONSTRAINT accuracy_sums_pkey PRIMARY KEY (week, timeframe, engine_version, measure)
);
INSERT INTO accuracy_sums
WITH scored AS (
    SELECT date_trunc('week', score.scored_at AT TIME ZONE 'UTC')::date AS week, score.*,
           a.confidence AS confidence_a, b.confidence AS confidence_b
    FROM forecast_scores AS score
    LEFT JOIN forecast_records AS a ON a.id = score.record_a_id
    LEFT JOIN forecast_records AS b ON b.id = score.record_b_id
),
sure AS (
    SELECT scored.id, term.confidence, term.direction_right
    FROM scored, LATERAL (VALUES (confidence_a, direction_right_a), (confidence_b, direction_right_b))
        AS term (confidence, direction_right)
    WHERE term.confidence IS NOT NULL
),
trials AS (
    SELECT id, 'interval-80' AS measure, 2 * dates AS count, (hits80_a + hits80_b)::float8 AS hits,
           0.8 * 2 * dates AS said
    FROM scored
    UNION ALL SELECT id, 'interval-95', 2 * dates, hits95_a + hits95_b, 0.95 * 2 * dates FROM scored
    UNION ALL SELECT id, 'direction', 2, direction_right_a::int + direction_right_b::int, 0 FROM scored
    UNION ALL SELECT id, 'winner', 1, winner_right::int, 0 FROM scored WHERE winner_right IS NOT NULL
    UNION ALL SELECT id, 'mae', 2, mae_a + mae_b, 0 FROM scored
    UNION ALL SELECT id, 'mase', num_nonnulls(mase_a, mase_b), COALESCE(mase_a, 0) + COALESCE(mase_b, 0), 0
        FROM scored WHERE num_nonnulls(mase_a, mase_b) > 0
    UNION ALL SELECT id, 'confidence', count(*), sum(direction_right::int), sum(confidence) / 100 FROM sure GROUP BY id
    UNION ALL SELECT id, 'confidence-' || start.percent, count(*), sum(direction_right::int), sum(confidence) / 100
        FROM sure, LATERAL (
            SELECT CASE WHEN confidence >= 90 THEN 90 WHEN confidence < 50 THEN 0
                        ELSE 10 * floor(confidence / 10)::int END AS percent
        ) AS start GROUP BY id, start.percent
)
SELECT scored.week, scored.timeframe, scored.engine_version, trials.measure, count(*), sum(trials.count),
       sum(trials.hits), sum(trials.said), sum(trials.count ^ 2), sum(trials.count * trials.hits), sum(trials.hits ^ 2)
FROM scored JOIN trials USING (id)
GROUP BY 1, 2, 3, 4;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute("DROP TABLE accuracy_sums;\n")
