"""Who tells of what it changes is not told of by the trigger, which cost a twentieth of an enqueue and of a claim."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Of anybody's own statements the trigger tells all, and of the release before this one all but runs (0006).
TRIGGERS = """
CREATE OR REPLACE TRIGGER warmup_jobs_tell_inserted AFTER INSERT ON warmup_jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT {unless_told} EXECUTE FUNCTION warmup_jobs_tell();
CREATE OR REPLACE TRIGGER warmup_jobs_tell_updated AFTER UPDATE ON warmup_jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT {unless_told} EXECUTE FUNCTION warmup_jobs_tell();
"""
UNLESS_TOLD = "WHEN (current_setting('warmcast.tells', true) IS DISTINCT FROM 'on')"


def upgrade() -> None:
    plain.execute(TRIGGERS.format(unless_told=UNLESS_TOLD))


def downgrade() -> None:
    plain.execute(TRIGGERS.format(unless_told=""))
