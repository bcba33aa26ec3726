"""Drops the index that warmup_jobs_list_idx replaces."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.drop("warmup_jobs_newest_idx")


def downgrade() -> None:
    indexes.create("warmup_jobs_newest_idx", "warmup_jobs (created_at, id)")
