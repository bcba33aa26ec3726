"""The history of attempts, and what a claim keeps on the job for it.

Code of the previous release runs on: it leaves the new columns as they are, and writes no attempts.
"""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE warmup_attempts (
    job_id BIGINT NOT NULL,
    lease_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    reason TEXT NOT NULL,
    holder TEXT,
    due_at TIMESTAMPTZ,
    claimed_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    outcome TEXT NOT NULL,
    error_reason TEXT,
    error TEXT,
    engine_version TEXT,
    debug_id TEXT NOT NULL,
    trace_id UUID,
    adopted BOOLEAN DEFAULT false NOT NULL,
    refused_at TIMESTAMPTZ,
    CONSTRAINT warmup_attempts_pkey PRIMARY KEY (job_id, lease_id)
);
CREATE INDEX warmup_attempts_ended_at_idx ON warmup_attempts (ended_at);
ALTER TABLE warmup_jobs
    ADD COLUMN due_at TIMESTAMPTZ,
    ADD COLUMN trace_id UUID,
    ADD COLUMN error_reason TEXT;
"""

DOWN = """
ALTER TABLE warmup_jobs
    DROP COLUMN due_at,
    DROP COLUMN trace_id,
    DROP COLUMN error_reason;
DROP TABLE warmup_attempts;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
