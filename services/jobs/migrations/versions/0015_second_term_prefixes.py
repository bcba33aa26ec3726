"""An index for the search of comparisons by the beginning of their second term."""

from __future__ import annotations

from services.jobs.migrations import indexes

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    indexes.create("term_pairs_second_prefix_idx", "term_pairs (split_part(slug, '-vs-', 2) text_pattern_ops)")


def downgrade() -> None:
    indexes.drop("term_pairs_second_prefix_idx")
