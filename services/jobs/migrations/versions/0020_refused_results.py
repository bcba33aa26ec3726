"""An index of the attempts whose late results were refused."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("warmup_attempts_refused_at_idx", "warmup_attempts (refused_at) WHERE refused_at IS NOT NULL")


def downgrade() -> None:
    indexes.drop("warmup_attempts_refused_at_idx")
