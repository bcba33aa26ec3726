"""Drops the index that warmup_jobs_of_error_idx replaces."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.drop("warmup_jobs_error_reason_idx")


def downgrade() -> None:
    indexes.create(
        "warmup_jobs_error_reason_idx",
        "warmup_jobs (error_reason, created_at, id) WHERE error_reason IS NOT NULL",
    )
