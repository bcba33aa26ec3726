"""Every change of a warmup job is told as it is committed, whichever statement makes it."""

from __future__ import annotations

from alembic import op

from services.jobs.migrations import plain

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# One notification a statement, not one a row: a drain settles hundreds at once. A notification holds 8,000 bytes, so
# that more than 300 rows are told of without their names.
FUNCTION = """
CREATE FUNCTION warmup_jobs_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
    SELECT CASE WHEN count(*) > 300 THEN '*' ELSE string_agg(CAST(id AS text), ',') END INTO told FROM changed;
    IF told IS NOT NULL THEN
        PERFORM pg_notify('warmcast_changes', told);
    END IF;
    RETURN NULL;
END
$$
"""

UP = """
CREATE TRIGGER warmup_jobs_tell_inserted AFTER INSERT ON warmup_jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION warmup_jobs_tell();
CREATE TRIGGER warmup_jobs_tell_updated AFTER UPDATE ON warmup_jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION warmup_jobs_tell();
"""

DOWN = """
DROP TRIGGER warmup_jobs_tell_updated ON warmup_jobs;
DROP TRIGGER warmup_jobs_tell_inserted ON warmup_jobs;
DROP FUNCTION warmup_jobs_tell();
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
