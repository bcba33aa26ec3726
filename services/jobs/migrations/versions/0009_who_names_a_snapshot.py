"""Who names a snapshot is found by an index, or each that is deleted would be looked for in all comparisons, twice."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
CREATE INDEX comparisons_current_snapshot_idx ON comparisons (current_snapshot_id);
CREATE INDEX comparisons_previous_snapshot_idx ON comparisons (previous_snapshot_id);
"""

DOWN = """
DROP INDEX comparisons_previous_snapshot_idx;
DROP INDEX comparisons_current_snapshot_idx;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
