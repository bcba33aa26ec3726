"""The same for each reason of an error."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create(
        "warmup_jobs_of_error_idx",
        "warmup_jobs (error_reason, created_at, id, ('' || status), timeframe, geo, reason, engine_version) "
        "WHERE error_reason IS NOT NULL",
    )


def downgrade() -> None:
    indexes.drop("warmup_jobs_of_error_idx")
