"""Fewer index entries a transition: each claim and each end writes into every index whose rows it is among."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
DROP INDEX warmup_jobs_status_idx;
CREATE INDEX warmup_jobs_status_idx ON warmup_jobs (status) WHERE status IN ('queued', 'running');
DROP INDEX warmup_jobs_completed_at_idx;
DROP INDEX warmup_jobs_status_updated_at_idx;
CREATE INDEX warmup_jobs_settled_idx ON warmup_jobs (status, updated_at)
    WHERE status IN ('ready', 'failed', 'cancelled');
"""

DOWN = """
DROP INDEX warmup_jobs_settled_idx;
CREATE INDEX warmup_jobs_status_updated_at_idx ON warmup_jobs (status, updated_at);
CREATE INDEX warmup_jobs_completed_at_idx ON warmup_jobs (completed_at) WHERE status = 'ready';
DROP INDEX warmup_jobs_status_idx;
CREATE INDEX warmup_jobs_status_idx ON warmup_jobs (status);
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
