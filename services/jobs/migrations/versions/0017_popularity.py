"""An index of comparisons by popularity."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The half-life is that of the demand: 302,400 s.
POPULARITY = (
    "COALESCE(ln(NULLIF(demand, 0::double precision)) / ln(2::double precision) + "
    "EXTRACT(epoch FROM last_requested_at - '1970-01-01 00:00:00+00'::timestamptz)::double precision "
    "/ 302400::double precision, 0::double precision)"
)


def upgrade() -> None:
    indexes.create("comparisons_popularity_idx", f"comparisons (({POPULARITY}), id)")


def downgrade() -> None:
    indexes.drop("comparisons_popularity_idx")
