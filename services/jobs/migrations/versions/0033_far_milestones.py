"""An index of one job in 50,000, for lists of a status or error."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("warmup_jobs_far_milestones_idx", "warmup_jobs (created_at, id) WHERE mod(id, 50000) = 0")


def downgrade() -> None:
    indexes.drop("warmup_jobs_far_milestones_idx")
