"""An index of jobs in the order of their list, with what the list is filtered by."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("warmup_jobs_list_idx", "warmup_jobs (created_at, id, timeframe, geo, reason)")


def downgrade() -> None:
    indexes.drop("warmup_jobs_list_idx")
