"""Drops the sums of directions by confidence without timeframe and engine version, which accuracy_sums replaces."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

DOWN = """
CREATE TABLE direction_confidence_sums (
    week DATE NOT NULL,
    from_percent SMALLINT NOT NULL,
    directions BIGINT NOT NULL,
    directions_right BIGINT NOT NULL,
    confidence_sum DOUBLE PRECISION NOT NULL,
    CONSTRAINT direction_confidence_sums_pkey PRIMARY KEY (week, from_percent)
);
"""


def upgrade() -> None:
    plain.execute("DROP TABLE direction_confidence_sums;\n")


def downgrade() -> None:
    plain.execute(DOWN)
