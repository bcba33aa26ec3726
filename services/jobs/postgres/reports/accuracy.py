"""The accuracy of forecasts by week, in PostgreSQL."""

from __future__ import annotations

from functools import partial

from cachetools import LRUCache

from services.common.engine_version import engine_number
from services.jobs.domain.accuracy import WEEKS, Measure, SummedMeasure, Sums, TrackRecordReport, report_of
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.reports.kept import Kept
from services.jobs.postgres.track_record import ACCURACY_SUMS

_SINCE = f"date_trunc('week', now() AT TIME ZONE 'UTC')::date - {7 * (WEEKS - 1)}"
_READ_EVERY = 10.0  # seconds; a report takes 0.1 s of CPU
_SELECTIONS = 32  # that are kept: every timeframe of a few engine versions
_INTEGERS = ("forecasts", "trials")

_BY_WEEK = f"""
SELECT week, timeframe, measure,
       {", ".join(f"sum({name}){'::bigint' if name in _INTEGERS else ''} AS {name}" for name in ACCURACY_SUMS)}
FROM accuracy_sums
WHERE week >= {_SINCE}
  AND (%(timeframe)s = '' OR timeframe = %(timeframe)s)
  AND (%(engine_version)s = '' OR engine_version = %(engine_version)s)
GROUP BY measure, CUBE (week, timeframe)
"""

_ENGINE_VERSIONS = f"""
SELECT DISTINCT engine_version FROM accuracy_sums WHERE week >= {_SINCE} AND measure = '{Measure.DIRECTION}'
"""


class AccuracyReports:
    """Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: LRUCache[tuple[str, str], Kept[TrackRecordReport]] = LRUCache(_SELECTIONS)

    async def report(self, *, timeframe: str = "", engine_version: str = "") -> TrackRecordReport:
        """The track record of the last year, of one timeframe and one engine version, or of all; at most 10 s old."""
        selected = timeframe, engine_version
        if selected not in self._kept:
            self._kept[selected] = Kept(partial(self._read, *selected), seconds=_READ_EVERY)
        return await self._kept[selected].get()

    async def _read(self, timeframe: str, engine_version: str) -> TrackRecordReport:
        selected = {"timeframe": timeframe, "engine_version": engine_version}
        rows = await self._database.fetch(_BY_WEEK, selected)
        versions = [row["engine_version"] for row in await self._database.fetch(_ENGINE_VERSIONS)]
        return report_of(
            (SummedMeasure(row.pop("week"), row.pop("timeframe"), row.pop("measure"), Sums(**row)) for row in rows),
            sorted(versions, key=lambda version: (engine_number(version), version), reverse=True),
        )
