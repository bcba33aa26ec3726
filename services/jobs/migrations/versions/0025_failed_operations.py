"""Bulk operations whose batch keeps failing end as failed.

Code of the previous release runs on: it repeats such a batch without a bound.
"""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# The constraint scans a table of few rows: retention deletes old operations, and the arrays of ids lie beside them.
UP = """
ALTER TABLE bulk_operations
    ADD COLUMN error TEXT NOT NULL DEFAULT '',
    ADD COLUMN failures INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN retry_at TIMESTAMPTZ,
    DROP CONSTRAINT bulk_operations_state_check,
    ADD CONSTRAINT bulk_operations_state_check
        CHECK (state IN ('prepared', 'running', 'done', 'aborted', 'failed'));
"""

DOWN = """
UPDATE bulk_operations SET state = 'aborted' WHERE state = 'failed';
ALTER TABLE bulk_operations
    DROP COLUMN error,
    DROP COLUMN failures,
    DROP COLUMN retry_at,
    DROP CONSTRAINT bulk_operations_state_check,
    ADD CONSTRAINT bulk_operations_state_check
        CHECK (state IN ('prepared', 'running', 'done', 'aborted'));
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
