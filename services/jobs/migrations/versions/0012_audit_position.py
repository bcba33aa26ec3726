"""Where the audit has got to, so that the next sweep goes on from there and every job has its turn."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE audit_position (
    singleton BOOLEAN DEFAULT true NOT NULL,
    after_id BIGINT NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT audit_position_pkey PRIMARY KEY (singleton),
    CONSTRAINT audit_position_singleton_check CHECK (singleton)
);
"""

DOWN = "DROP TABLE audit_position;"


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
