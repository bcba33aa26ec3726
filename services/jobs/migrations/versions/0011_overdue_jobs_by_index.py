"""Overdue jobs are found by the moment from which they could run, however many others wait or are held back."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("warmup_jobs_due_idx", "warmup_jobs (GREATEST(queued_at, not_before)) WHERE status = 'queued'")


def downgrade() -> None:
    indexes.drop("warmup_jobs_due_idx")
