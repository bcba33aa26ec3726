"""The track record on real PostgreSQL: imports score forecasts once, and scoring never fails an import."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.jobs.application.importer import Importer, ImportRequest
from services.jobs.application.scorer import SCORES, Scorer
from services.jobs.domain.forecaster import ForecastPoint, GeneratedForecasts, TermForecast
from services.jobs.domain.operations import Actor
from services.jobs.domain.scoring import KeptForecast, Score
from services.jobs.domain.snapshot import ImportedSnapshot, Snapshot
from services.jobs.domain.trust import TrustStats
from services.jobs.ingest.points import read_points
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.track_record import TrackRecord
from tests.integration.jobs.conftest import Store, key_of

START = datetime(2024, 1, 7, tzinfo=UTC)
HORIZON = 4
NOTHING = TrustStats(0, 0, None, None, None, None, None, None)


def week(number: int) -> datetime:
    return START + timedelta(weeks=number)


async def imported(
    store: Store,
    weeks: int,
    *,
    scale: float = 1.0,
    earlier: Scorer | None = None,
    partial: bool = False,
    tf: str = "",
    dated: bool = True,
) -> ImportedSnapshot:
    """Imports the first `weeks` of amazon (39 and 41 in turns) against costco (20), times `scale`."""
    points = [
        (week(number).date().isoformat(), ((39 + 2 * (number % 2)) * scale, 20 * scale)) for number in range(weeks)
    ]
    importer = Importer(store.comparisons, earlier or Scorer(store.record))
    as_of = week(weeks) - timedelta(days=1) if partial else week(weeks)
    wanted = ImportRequest(as_of=as_of if dated else None, source="test", timeframe=tf)
    snapshot, _ = await importer.ingest([read_points(["amazon", "costco"], points)], wanted, Actor("Ada"))
    return snapshot


async def warmed(
    store: Store,
    snapshot: ImportedSnapshot,
    *,
    engine_version: str = "1",
    value: float = 40.0,
    confidences: tuple[float | None, float | None] = (None, None),
) -> None:
    """Runs the current snapshot's job; its forecasts are a straight line of HORIZON weeks."""
    job = await store.queue.trigger(key_of(snapshot), force=True)
    assert job is not None
    first = snapshot.times[-1] + timedelta(weeks=1)
    done = await store.queue.ready(await store.claim_one(), result_of(first, engine_version, value, confidences))
    assert done is not None


def result_of(
    first: datetime, engine_version: str, value: float, confidences: tuple[float | None, float | None]
) -> GeneratedForecasts:
    def term(name: str, level: float, confidence: float | None) -> TermForecast:
        points = tuple(
            ForecastPoint(first + timedelta(weeks=number), level, level - 1, level + 1, level - 2, level + 2)
            for number in range(HORIZON)
        )
        return TermForecast(name, f"{name} {engine_version} {level}", "stable", points, confidence)

    return GeneratedForecasts(
        engine_version, first, False, term("amazon", value, confidences[0]), term("costco", 20.0, confidences[1])
    )


async def scores(store: Store) -> Sequence[dict[str, object]]:
    return await store.execute("SELECT * FROM forecast_scores ORDER BY id")


async def overall(store: Store) -> TrustStats:
    return (await store.record.trust()).total.overall


async def test_newer_data_score_forecasts_of_older_data(store: Store) -> None:
    old = await imported(store, 20)
    await warmed(store, old)
    assert (await store.record.trust()).total.overall == NOTHING
    new = await imported(store, 20 + HORIZON, scale=0.5)
    (score,) = await scores(store)
    assert (score["slug"], score["timeframe"], score["geo"]) == ("amazon-vs-costco", "12m", "")
    assert (score["data_hash"], score["actual_data_hash"]) == (old.data_hash, new.data_hash)
    assert (score["engine_version"], score["dates"], score["winner_right"]) == ("1", HORIZON, True)
    records = await store.execute("SELECT id FROM forecast_records ORDER BY label")
    assert [score["record_a_id"], score["record_b_id"]] == [record["id"] for record in records]
    (snapshot,) = await store.execute("SELECT id FROM snapshots WHERE data_hash = %(hash)s", hash=new.data_hash)
    assert score["actual_snapshot_id"] == snapshot["id"]

    trust = await store.record.trust()
    # Amazon is 1 off each week, at the end of the 80 % interval, and changes by 2; costco is right and never changes.
    assert trust.total.overall == TrustStats(1, 2 * HORIZON, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5)
    assert trust.total.timeframes["12m"] == trust.recent.timeframes["12m"] == trust.recent.overall
    assert trust.total.timeframes["5y"] == NOTHING
    assert list(trust.total.timeframes) == ["7d", "30d", "3m", "12m", "5y", "all"]


async def test_a_forecast_is_scored_once(store: Store) -> None:
    old = await imported(store, 20)
    await warmed(store, old)
    await imported(store, 24)
    first = await scores(store)
    await imported(store, 24)
    await imported(store, 20)  # an older snapshot again
    await imported(store, 25, scale=0.7)
    assert await scores(store) == first
    assert (await overall(store)).forecasts == 1


async def test_concurrent_imports_score_a_forecast_once(store: Store) -> None:
    await warmed(store, await imported(store, 20))

    class Together(TrackRecord):
        """Blocks writes until all have read that the forecast is due."""

        def __init__(self, database: Database, callers: int) -> None:
            super().__init__(database)
            self._all_there = asyncio.Barrier(callers)

        async def due(self, snapshot: Snapshot) -> list[KeptForecast]:
            found = await super().due(snapshot)
            async with asyncio.timeout(10):
                await self._all_there.wait()
            assert len(found) == 1
            return found

    failed = SCORES.labels("error")._value.get()
    scorer = Scorer(Together(store.database, 6))
    await asyncio.gather(*(imported(store, 24 + number, earlier=scorer) for number in range(6)))
    assert len(await scores(store)) == 1
    assert (await overall(store)).forecasts == 1
    assert SCORES.labels("error")._value.get() == failed, "who comes second has nothing to complain of"


async def test_a_superseded_forecast_is_scored_when_its_own_dates_have_passed(store: Store) -> None:
    await warmed(store, await imported(store, 20))
    await warmed(store, await imported(store, 22))
    assert await scores(store) == []
    await imported(store, 24)
    assert len(await scores(store)) == 1
    await imported(store, 26)
    assert [score["dates"] for score in await scores(store)] == [HORIZON] * 2
    assert (await overall(store)).forecasts == 2


async def test_scores_are_separate_for_each_engine_version(store: Store) -> None:
    old = await imported(store, 20)
    await warmed(store, old, engine_version="1")
    await warmed(store, old, engine_version="2", value=10.0)
    await imported(store, 24)
    versions = {score["engine_version"]: score["winner_right"] for score in await scores(store)}
    assert versions == {"1": True, "2": False}
    pairs = await store.execute(
        "SELECT a.engine_version AS a, b.engine_version AS b FROM forecast_scores AS score "
        "JOIN forecast_records AS a ON a.id = record_a_id JOIN forecast_records AS b ON b.id = record_b_id"
    )
    assert {(pair["a"], pair["b"]) for pair in pairs} == {("1", "1"), ("2", "2")}


async def test_a_partial_last_period_does_not_complete_a_horizon(store: Store) -> None:
    await warmed(store, await imported(store, 20))
    await imported(store, 24, partial=True)
    assert await scores(store) == []
    await imported(store, 25, partial=True)
    assert len(await scores(store)) == 1


async def test_a_partial_last_period_stays_partial_when_the_same_data_are_imported_later(store: Store) -> None:
    await warmed(store, await imported(store, 20))
    cut_short = await imported(store, 24, partial=True)
    again = await imported(store, 24, dated=False)
    assert (again.data_hash, again.partial_last_period) == (cut_short.data_hash, True)
    assert await scores(store) == []
    assert not (await imported(store, 24, dated=False, scale=0.5)).partial_last_period, "other data are over by now"
    assert not (await imported(store, 24)).partial_last_period, "a given asOf decides"


async def test_too_few_common_dates_score_nothing(store: Store) -> None:
    await warmed(store, await imported(store, 7))
    before = SCORES.labels("few-common-dates")._value.get()
    await imported(store, 11)
    assert SCORES.labels("few-common-dates")._value.get() == before + 1
    assert await scores(store) == []


@pytest.mark.parametrize(
    "made_unscorable",
    [
        "UPDATE snapshots SET scaled_apart = true WHERE id > 1",
        "UPDATE forecast_records SET times = (SELECT array_agg(time + interval '1 day') FROM unnest(times) AS time) "
        "WHERE id > 2",  # on other days than the new data
    ],
)
async def test_forecasts_that_can_never_be_scored_do_not_block_others(store: Store, made_unscorable: str) -> None:
    first = await imported(store, 20)
    await warmed(store, first)
    for weeks in range(30, 52):
        await warmed(store, await imported(store, weeks, tf="12m"))
    await store.execute(made_unscorable)
    await store.execute("DELETE FROM forecast_scores")
    await imported(store, 60, tf="12m")
    assert [score["data_hash"] for score in await scores(store)] == [first.data_hash]


async def test_forecasts_of_a_later_engine_for_the_same_data_are_scored_too(store: Store) -> None:
    await warmed(store, await imported(store, 20), engine_version="1")
    await imported(store, 24)
    await warmed(store, await imported(store, 20), engine_version="2")
    await imported(store, 25)
    assert [score["engine_version"] for score in await scores(store)] == ["1", "2"]


async def test_a_forecast_made_again_after_retention_is_not_scored_again(store: Store) -> None:
    await warmed(store, await imported(store, 20))
    for weeks in (24, 25):
        await warmed(store, await imported(store, weeks))
    first = await scores(store)
    assert len(first) == 1
    await store.execute("UPDATE warmup_jobs SET updated_at = now() - interval '31 days'")
    await store.execute("UPDATE snapshots SET created_at = now() - interval '31 days'")
    assert await store.queue.delete_old(days=30, limit=10) == 2
    await warmed(store, await imported(store, 20))
    assert 1 not in {row["id"] for row in await store.execute("SELECT id FROM forecast_records")}
    await imported(store, 25, scale=0.7)
    assert await scores(store) == first
    assert (await overall(store)).forecasts == 1


async def test_another_timeframe_is_another_comparison(store: Store) -> None:
    await warmed(store, await imported(store, 20, tf="12m"))
    await imported(store, 24, tf="5y")
    assert await scores(store) == []
    await imported(store, 24, tf="12m")
    assert len(await scores(store)) == 1


async def test_a_failure_of_scoring_does_not_fail_the_import(store: Store) -> None:
    class Broken(TrackRecord):
        """Fails in the database in the middle of its work."""

        async def keep(self, snapshot: Snapshot, forecast: KeptForecast, score: Score) -> bool:
            await store.execute("SELECT 1 / 0")
            return True

    await warmed(store, await imported(store, 20))
    before = SCORES.labels("error")._value.get()
    new = await imported(store, 24, earlier=Scorer(Broken(store.database)))
    assert SCORES.labels("error")._value.get() == before + 1
    assert (await store.comparisons.view(key_of(new))).data_hash == new.data_hash
    assert await scores(store) == []
    await imported(store, 24)  # an import of the same data scores due forecasts
    assert len(await scores(store)) == 1


async def test_recent_scores_are_those_of_the_last_ninety_days(store: Store) -> None:
    await warmed(store, await imported(store, 20))
    await imported(store, 24)
    today = "(now() AT TIME ZONE 'UTC')::date"
    for days, forecasts in ((89, 1), (90, 0)):
        await store.execute(f"UPDATE forecast_score_sums SET day = {today} - {days} WHERE day > '-infinity'")
        trust = await store.record.trust()
        assert (trust.total.overall.forecasts, trust.recent.overall.forecasts) == (1, forecasts)


async def test_the_sums_are_those_of_the_scores(store: Store) -> None:
    for weeks in range(20, 27):
        await warmed(store, await imported(store, weeks), value=30.0 + weeks)
    added = await store.execute(
        "SELECT sum(mae_a + mae_b) AS mae, sum(hits80_a + hits80_b) AS hits FROM forecast_scores"
    )
    sums = await store.execute("SELECT mae_sum AS mae, hits80 AS hits FROM forecast_score_sums WHERE day = '-infinity'")
    assert len(await scores(store)) == 3
    assert sums == added


async def test_retention_keeps_unscored_forecasts_and_all_scores(store: Store) -> None:
    for weeks in (20, 21, 22):
        await warmed(store, await imported(store, weeks))
    await store.execute("UPDATE warmup_jobs SET updated_at = now() - interval '31 days'")
    await store.execute("UPDATE snapshots SET created_at = now() - interval '31 days'")
    # The forecast of the first snapshot, which is no longer current, ends yesterday.
    await store.execute("UPDATE forecast_records SET times = ARRAY[now() - interval '1 day'] WHERE job_id = 1")
    assert await store.queue.delete_old(days=30, limit=10) == 0
    await store.execute("UPDATE forecast_records SET times = ARRAY[now() - interval '31 days'] WHERE job_id = 1")
    assert await store.queue.delete_old(days=30, limit=10) == 2, "its job and its snapshot; without newer data"

    assert await scores(store) == []
    await imported(store, 26)
    assert len(await scores(store)) == 2
    await store.execute("UPDATE warmup_jobs SET updated_at = now() - interval '31 days'")
    await store.execute("UPDATE forecast_records SET times = ARRAY[now()] WHERE job_id = 2")
    await store.execute("UPDATE snapshots SET created_at = now() - interval '31 days'")
    assert await store.queue.delete_old(days=30, limit=10) == 2, "the scored one goes, whatever its dates are"
    assert len(await scores(store)) == 2
    assert (await overall(store)).forecasts == 2
