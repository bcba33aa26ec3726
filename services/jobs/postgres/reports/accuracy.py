"""The accuracy of forecasts by week, in PostgreSQL."""

from __future__ import annotations

from services.common.engine_version import engine_number
from services.jobs.domain.accuracy import WEEKS, Measure, SummedMeasure, Sums, TrackRecordReport, report_of
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.track_record import ACCURACY_SUMS

_SINCE = f"date_trunc('week', now() AT TIME ZONE 'UTC')::date - {7 * (WEEKS - 1)}"
_INTEGERS = ("forecasts", "trials")

_BY_WEEK = f"""
SELECT week, timeframe, measure,
       {", ".join(f"sum({name}){'::bigint' if name in _INTEGERS else ''} AS {name}" for name in ACCURACY_SUMS)}
FROM accuracy_sums
WHERE week >= {_SINCE}
  AND (%(timeframe)s = '' OR timeframe = %(timeframe)s)
  AND (%(engine_version)s = '' OR engine_version = %(engine_version)s)
GROUP BY week, timeframe, measure
ORDER BY week
"""

_ENGINE_VERSIONS = f"""
SELECT DISTINCT engine_version FROM accuracy_sums WHERE week >= {_SINCE} AND measure = '{Measure.DIRECTION}'
"""


class AccuracyReports:
    """Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, *, timeframe: str = "", engine_version: str = "") -> TrackRecordReport:
        """The track record of the last year, of one timeframe and one engine version, or of all."""
        selected = {"timeframe": timeframe, "engine_version": engine_version}
        rows = await self._database.fetch(_BY_WEEK, selected)
        versions = [row["engine_version"] for row in await self._database.fetch(_ENGINE_VERSIONS)]
        return report_of(
            (
                SummedMeasure(
                    row["week"], row["timeframe"], row["measure"], Sums(*(row[name] for name in ACCURACY_SUMS))
                )
                for row in rows
            ),
            sorted(versions, key=lambda version: (engine_number(version), version), reverse=True),
        )
