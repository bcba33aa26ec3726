"""An index for the search of comparisons by the beginning of their first term."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("term_pairs_slug_prefix_idx", "term_pairs (slug text_pattern_ops)")


def downgrade() -> None:
    indexes.drop("term_pairs_slug_prefix_idx")
