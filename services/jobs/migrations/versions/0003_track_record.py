"""The track record: how each forecast did, and the running sums of it by day."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE forecast_scores (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    record_a_id BIGINT NOT NULL,
    record_b_id BIGINT NOT NULL,
    slug TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    geo TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    actual_snapshot_id BIGINT NOT NULL,
    actual_data_hash TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    generated_at TIMESTAMPTZ NOT NULL,
    dates INTEGER NOT NULL,
    winner_right BOOLEAN,
    direction_right_a BOOLEAN NOT NULL,
    direction_right_b BOOLEAN NOT NULL,
    hits80_a INTEGER NOT NULL,
    hits80_b INTEGER NOT NULL,
    hits95_a INTEGER NOT NULL,
    hits95_b INTEGER NOT NULL,
    mae_a DOUBLE PRECISION NOT NULL,
    mae_b DOUBLE PRECISION NOT NULL,
    mase_a DOUBLE PRECISION,
    mase_b DOUBLE PRECISION,
    scored_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT forecast_scores_pkey PRIMARY KEY (id),
    CONSTRAINT forecast_score_unique UNIQUE (record_a_id)
);

CREATE TABLE forecast_score_sums (
    day DATE NOT NULL,
    timeframe TEXT NOT NULL,
    forecasts BIGINT NOT NULL,
    winners BIGINT NOT NULL,
    winners_right BIGINT NOT NULL,
    directions_right BIGINT NOT NULL,
    points BIGINT NOT NULL,
    hits80 BIGINT NOT NULL,
    hits95 BIGINT NOT NULL,
    mae_sum DOUBLE PRECISION NOT NULL,
    mases BIGINT NOT NULL,
    mase_sum DOUBLE PRECISION NOT NULL,
    CONSTRAINT forecast_score_sums_pkey PRIMARY KEY (day, timeframe)
);
"""

DOWN = """
DROP TABLE forecast_score_sums;
DROP TABLE forecast_scores;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
