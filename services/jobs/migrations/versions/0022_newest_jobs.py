"""An index of jobs in the order of their list."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("warmup_jobs_newest_idx", "warmup_jobs (created_at, id)")


def downgrade() -> None:
    indexes.drop("warmup_jobs_newest_idx")
