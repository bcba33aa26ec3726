"""Forecasts that are due to be scored, their scores, and the sums of those, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from psycopg.rows import DictRow

from services.common.comparison import TIMEFRAMES
from services.jobs.domain.accuracy import Sums, trials_of
from services.jobs.domain.forecaster import ForecastPoint, TermForecast
from services.jobs.domain.scoring import KeptForecast, Score
from services.jobs.domain.snapshot import Series, Snapshot
from services.jobs.domain.trust import RECENT_DAYS, Tally, Trust, period_of
from services.jobs.postgres.driver import arrays
from services.jobs.postgres.driver.database import Database

_COUNTS = ("forecasts", "winners", "winners_right", "directions_right", "points", "hits80", "hits95", "mases")
_SUMS = (*_COUNTS, "mae_sum", "mase_sum")
ACCURACY_SUMS = Sums._fields  # columns of accuracy_sums

# Unscored forecasts of both terms whose whole horizon lies within the new data and on their dates: the latest 20 among
# the comparison's newest 2,000 jobs. Latest first: of those that cannot be scored, the oldest have the fewest common
# dates, so they never displace one that can. Scores are matched by snapshot and engine version, as retention may have
# deleted the records and a later import of the same data recreated them.
_DUE = """
WITH jobs AS MATERIALIZED (
    -- Not sorted here: the planner might scan all jobs in order instead of using the comparison's index.
    SELECT id, data_hash FROM warmup_jobs
    WHERE slug = %(slug)s AND timeframe = %(timeframe)s AND geo = %(geo)s AND data_hash <> %(data_hash)s
),
kept AS MATERIALIZED (SELECT id, data_hash FROM jobs ORDER BY id DESC LIMIT 2000),
due AS MATERIALIZED (
    SELECT pair.*, kept.data_hash
    FROM kept
    -- LIMIT makes the planner look these up for each job; a join reads whole tables.
    CROSS JOIN LATERAL (
        SELECT a.id AS record_a_id, b.id AS record_b_id, a.times[cardinality(a.times)] AS ends
        FROM forecast_records AS a
        JOIN forecast_records AS b ON b.job_id = a.job_id AND b.label = 'termB' AND b.lease_id = a.lease_id
        WHERE a.job_id = kept.id AND a.label = 'termA'
          AND a.times[1] >= %(first)s AND a.times[cardinality(a.times)] = ANY (%(complete)s)
          AND NOT EXISTS (
            SELECT FROM snapshots AS old
            WHERE old.slug = %(slug)s AND old.timeframe = %(timeframe)s AND old.geo = %(geo)s
              AND old.data_hash = kept.data_hash AND old.scaled_apart
          )
          AND NOT EXISTS (
            SELECT FROM forecast_scores AS score
            WHERE score.slug = %(slug)s AND score.timeframe = %(timeframe)s AND score.geo = %(geo)s
              AND score.data_hash = kept.data_hash AND score.engine_version = a.engine_version
          )
        LIMIT 20
    ) AS pair
    ORDER BY pair.ends DESC, pair.record_a_id DESC
    LIMIT 20
)
SELECT due.record_a_id, due.record_b_id, due.data_hash, a.engine_version, a.generated_at,
       old.times AS old_times, old.values_a, old.values_b, old.partial_last_period, old.scaled_apart,
       a.term AS term_a, a.forecast_hash AS forecast_hash_a, a.direction AS direction_a, a.confidence AS confidence_a,
       a.times AS times_a,
       a.point_values AS point_values_a, a.lower80 AS lower80_a, a.upper80 AS upper80_a,
       a.lower95 AS lower95_a, a.upper95 AS upper95_a,
       b.term AS term_b, b.forecast_hash AS forecast_hash_b, b.direction AS direction_b, b.confidence AS confidence_b,
       b.times AS times_b,
       b.point_values AS point_values_b, b.lower80 AS lower80_b, b.upper80 AS upper80_b,
       b.lower95 AS lower95_b, b.upper95 AS upper95_b
FROM due
JOIN forecast_records AS a ON a.id = due.record_a_id
JOIN forecast_records AS b ON b.id = due.record_b_id
JOIN snapshots AS old ON old.slug = %(slug)s AND old.timeframe = %(timeframe)s AND old.geo = %(geo)s
    AND old.data_hash = due.data_hash
ORDER BY due.ends DESC, due.record_a_id DESC
"""

# One statement keeps the score and the sums consistent; of two concurrent imports the second waits and adds nothing.
# The rows of sums are locked in one order.
_KEEP = f"""
WITH scored AS (
    INSERT INTO forecast_scores (
        record_a_id, record_b_id, slug, timeframe, geo, data_hash, actual_snapshot_id, actual_data_hash, engine_version,
        generated_at, dates, winner_right, direction_right_a, direction_right_b, hits80_a, hits80_b, hits95_a, hits95_b,
        mae_a, mae_b, mase_a, mase_b)
    SELECT %(record_a_id)s, %(record_b_id)s, slug, timeframe, geo, %(data_hash)s, id, data_hash, %(engine_version)s,
           %(generated_at)s, %(dates)s, %(winner_right)s::boolean, %(direction_right_a)s, %(direction_right_b)s,
           %(hits80_a)s, %(hits80_b)s, %(hits95_a)s, %(hits95_b)s, %(mae_a)s, %(mae_b)s,
           %(mase_a)s::float8, %(mase_b)s::float8
    FROM snapshots
    WHERE slug = %(slug)s AND timeframe = %(timeframe)s AND geo = %(geo)s AND data_hash = %(actual_data_hash)s
    ON CONFLICT ON CONSTRAINT forecast_score_unique DO NOTHING
    RETURNING *
),
added AS (
    INSERT INTO forecast_score_sums AS sums (day, timeframe, {", ".join(_SUMS)})
    SELECT days.day, timeframe, 1, (winner_right IS NOT NULL)::int, COALESCE(winner_right, false)::int,
           direction_right_a::int + direction_right_b::int, 2 * dates, hits80_a + hits80_b, hits95_a + hits95_b,
           num_nonnulls(mase_a, mase_b), mae_a + mae_b, COALESCE(mase_a, 0) + COALESCE(mase_b, 0)
    FROM scored, (VALUES ('-infinity'::date), ((now() AT TIME ZONE 'UTC')::date)) AS days (day)
    ORDER BY days.day
    ON CONFLICT (day, timeframe) DO UPDATE SET {", ".join(f"{name} = sums.{name} + EXCLUDED.{name}" for name in _SUMS)}
),
counted AS (
    INSERT INTO accuracy_sums AS sums (week, timeframe, engine_version, measure, {", ".join(ACCURACY_SUMS)})
    SELECT date_trunc('week', now() AT TIME ZONE 'UTC')::date, timeframe, engine_version, measure,
           1, trials, hits, said, trials ^ 2, trials * hits, hits ^ 2
    FROM scored, unnest(%(measures)s::text[], %(trials)s::bigint[], %(hits)s::float8[], %(said)s::float8[])
        AS trial (measure, trials, hits, said)
    ORDER BY measure
    ON CONFLICT (week, timeframe, engine_version, measure) DO UPDATE
    SET {", ".join(f"{name} = sums.{name} + EXCLUDED.{name}" for name in ACCURACY_SUMS)}
)
SELECT id FROM scored
"""

# By the primary key: one row a timeframe for all time, and one for each day.
_TALLIES = f"""
SELECT timeframe, day = '-infinity' AS all_time,
       {", ".join(f"sum({name})::bigint AS {name}" for name in _COUNTS)},
       sum(mae_sum) AS mae_sum, sum(mase_sum) AS mase_sum
FROM forecast_score_sums
WHERE day = '-infinity' OR day > (now() AT TIME ZONE 'UTC')::date - {RECENT_DAYS}
GROUP BY timeframe, all_time
"""


class TrackRecord:
    """The track record in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, snapshot: Snapshot) -> list[KeptForecast]:
        """Unscored forecasts of the comparison whose horizon is complete in `snapshot`, latest first."""
        complete = snapshot.times[:-1] if snapshot.partial_last_period else snapshot.times
        named = snapshot.key._asdict()
        rows = await self._database.fetch(_DUE, named | {"first": complete[0], "complete": list(complete)})
        return [_kept(row) for row in rows]

    async def keep(self, snapshot: Snapshot, forecast: KeptForecast, score: Score) -> bool:
        """Stores the score of `forecast` against `snapshot`; False: it was scored before, and that score stays."""
        record_a_id, record_b_id = forecast.record_ids
        parameters = {
            "slug": snapshot.slug,
            "timeframe": snapshot.timeframe,
            "geo": snapshot.geo,
            "actual_data_hash": snapshot.data_hash,
            "data_hash": forecast.data_hash,
            "record_a_id": record_a_id,
            "record_b_id": record_b_id,
            "engine_version": forecast.engine_version,
            "generated_at": forecast.generated_at,
            "dates": score.dates,
            "winner_right": score.winner_right,
        }
        for term, of in (("a", score.term_a), ("b", score.term_b)):
            parameters |= {f"{name}_{term}": value for name, value in asdict(of).items()}
        measures, trials, hits, said = zip(*trials_of(score), strict=True)
        parameters |= {"measures": list(measures), "trials": list(trials)}
        parameters |= {"hits": arrays.numbers(hits), "said": arrays.numbers(said)}
        return bool(await self._database.fetch(_KEEP, parameters))

    async def trust(self) -> Trust:
        """The sums of all scores and of those of the last days, for every timeframe."""
        rows = await self._database.fetch(_TALLIES)
        return Trust(*(period_of(_tallies([row for row in rows if row["all_time"] == each])) for each in (True, False)))


def _tallies(rows: Sequence[DictRow]) -> dict[str, Tally]:
    """The tally of every timeframe."""
    found = {row["timeframe"]: row for row in rows}
    return {
        name: Tally(**{column: found[name][column] for column in _SUMS}) if name in found else Tally()
        for name in TIMEFRAMES
    }


def _kept(row: DictRow) -> KeptForecast:
    return KeptForecast(
        record_ids=(row["record_a_id"], row["record_b_id"]),
        engine_version=row["engine_version"],
        generated_at=row["generated_at"],
        data_hash=row["data_hash"],
        history=Series(
            times=tuple(row["old_times"]),
            values_a=tuple(row["values_a"]),
            values_b=tuple(row["values_b"]),
            partial_last_period=row["partial_last_period"],
            scaled_apart=row["scaled_apart"],
        ),
        term_a=_term(row, "a"),
        term_b=_term(row, "b"),
    )


def _term(row: DictRow, of: str) -> TermForecast:
    columns = (row[f"{name}_{of}"] for name in ("times", "point_values", "lower80", "upper80", "lower95", "upper95"))
    return TermForecast(
        term=row[f"term_{of}"],
        forecast_hash=row[f"forecast_hash_{of}"],
        direction=row[f"direction_{of}"],
        points=tuple(ForecastPoint(*point) for point in zip(*columns, strict=True)),
        confidence=row[f"confidence_{of}"],
    )
