"""Drops the index that warmup_jobs_newest_idx replaces."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.drop("warmup_jobs_created_at_idx")


def downgrade() -> None:
    indexes.create("warmup_jobs_created_at_idx", "warmup_jobs (created_at)")
