"""Why a bulk operation failed, in the record of its action.

Code of the previous release runs on: it records no error.
"""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    plain.execute("ALTER TABLE operator_actions ADD COLUMN error TEXT NOT NULL DEFAULT '';\n")


def downgrade() -> None:
    plain.execute("ALTER TABLE operator_actions DROP COLUMN error;\n")
