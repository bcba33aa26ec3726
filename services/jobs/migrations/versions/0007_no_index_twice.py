"""Two indexes that others begin with go: slugs are found by the unique constraint, states by (status, created_at)."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
DROP INDEX warmup_jobs_status_idx;
DROP INDEX warmup_jobs_slug_idx;
"""

DOWN = """
CREATE INDEX warmup_jobs_slug_idx ON warmup_jobs (slug);
CREATE INDEX warmup_jobs_status_idx ON warmup_jobs (status) WHERE status IN ('queued', 'running');
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
