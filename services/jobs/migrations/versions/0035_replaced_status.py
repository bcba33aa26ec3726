"""Drops the index that warmup_jobs_of_status_idx replaces."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.drop("warmup_jobs_status_created_at_idx")


def downgrade() -> None:
    indexes.create("warmup_jobs_status_created_at_idx", "warmup_jobs (status, created_at)")
