"""The same for each status but ready, which most jobs have."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create(
        "warmup_jobs_of_status_idx",
        "warmup_jobs (('' || status), created_at, id, timeframe, geo, reason, engine_version) WHERE status <> 'ready'",
    )


def downgrade() -> None:
    indexes.drop("warmup_jobs_of_status_idx")
