"""Statistics of attempts by minute and hour."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE attempt_statistics (
    seconds INTEGER NOT NULL,
    start TIMESTAMPTZ NOT NULL,
    outcome TEXT NOT NULL,
    error_reason TEXT NOT NULL,
    count BIGINT NOT NULL,
    cache_losses BIGINT NOT NULL,
    wait_buckets INTEGER[] NOT NULL,
    wait_counts BIGINT[] NOT NULL,
    run_buckets INTEGER[] NOT NULL,
    run_counts BIGINT[] NOT NULL,
    PRIMARY KEY (seconds, start, outcome, error_reason)
);
CREATE TABLE attempt_statistics_position (
    singleton BOOLEAN PRIMARY KEY DEFAULT true CONSTRAINT attempt_statistics_position_singleton_check CHECK (singleton),
    until TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
"""

DOWN = """
DROP TABLE attempt_statistics_position;
DROP TABLE attempt_statistics;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
