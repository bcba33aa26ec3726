"""Who tells of runs by itself is not told of by the trigger: its NOTIFY would hold up each claim and each `ready`."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Of releases before this one, and of anybody's own statements, the trigger tells all.
FUNCTION = """
CREATE OR REPLACE FUNCTION warmup_jobs_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
    SELECT CASE WHEN count(*) > 300 THEN '*' ELSE string_agg(CAST(id AS text), ',') END INTO told FROM changed
    {told_of};
    IF told IS NOT NULL THEN
        PERFORM pg_notify('warmcast_changes', told);
    END IF;
    RETURN NULL;
END
$$
"""
OF_ALL = "WHERE true"
OF_ALL_BUT_RUNS = """
    WHERE status NOT IN ('running', 'ready')
       OR current_setting('warmcast.tells_of_runs', true) IS DISTINCT FROM 'on'"""


def upgrade() -> None:
    op.execute(FUNCTION.format(told_of=OF_ALL_BUT_RUNS))


def downgrade() -> None:
    op.execute(FUNCTION.format(told_of=OF_ALL))
