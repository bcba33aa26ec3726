"""An index of one job in 2,500, which limits how many jobs a page examines."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("warmup_jobs_milestones_idx", "warmup_jobs (created_at, id) WHERE mod(id, 2500) = 0")


def downgrade() -> None:
    indexes.drop("warmup_jobs_milestones_idx")
