"""An index for lists of jobs by the reason of their last error, which only jobs with an error are in."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create(
        "warmup_jobs_error_reason_idx", "warmup_jobs (error_reason, created_at, id) WHERE error_reason IS NOT NULL"
    )


def downgrade() -> None:
    indexes.drop("warmup_jobs_error_reason_idx")
