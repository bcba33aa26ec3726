"""Whether a forecast was scored is found by what it is of: its records may have been deleted, and made anew."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = "CREATE INDEX forecast_scores_forecast_idx ON forecast_scores (slug, timeframe, geo, data_hash);"

DOWN = "DROP INDEX forecast_scores_forecast_idx;"


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
