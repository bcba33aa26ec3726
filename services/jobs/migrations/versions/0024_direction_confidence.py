"""The confidence of each forecast's direction, and sums of how often directions came true.

Code of the previous release runs on: its forecasts have no confidence and are not counted.
"""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE forecast_records ADD COLUMN confidence DOUBLE PRECISION;
CREATE TABLE direction_confidence_sums (
    week DATE NOT NULL,
    from_percent SMALLINT NOT NULL,
    directions BIGINT NOT NULL,
    directions_right BIGINT NOT NULL,
    confidence_sum DOUBLE PRECISION NOT NULL,
    CONSTRAINT direction_confidence_sums_pkey PRIMARY KEY (week, from_percent)
);
"""

DOWN = """
DROP TABLE direction_confidence_sums;
ALTER TABLE forecast_records DROP COLUMN confidence;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
