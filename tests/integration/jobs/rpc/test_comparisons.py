"""Comparisons over gRPC: imports, listings, demand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common import errors
from services.jobs.postgres import warmup_views
from services.jobs.postgres.driver.database import Database
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import CSV, KEY, SENT, Jobs, refused, serving


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def test_an_export_becomes_the_current_snapshot_once(jobs: Jobs) -> None:
    first, again = await jobs.ingest(), await jobs.ingest()
    assert (first.slug, list(first.terms), first.timeframe, first.geo) == (
        "amazon-vs-costco",
        ["amazon", "costco"],
        "12m",
        "US",
    )
    assert (first.created, again.created) == (True, False)
    assert first.data_hash == again.data_hash
    assert first.points == 4
    warmup = await jobs.warmup()
    assert (warmup.data_hash, warmup.term_a, warmup.term_b) == (first.data_hash, "amazon", "costco")
    assert warmup.signals_a.last_value == 90
    assert not warmup.HasField("job")


async def test_older_data_become_current_again(jobs: Jobs) -> None:
    old = await jobs.ingest()
    new = await jobs.ingest(CSV.replace(b"90,13", b"91,13"))
    assert (await jobs.warmup()).data_hash == new.data_hash
    await jobs.ingest()
    assert (await jobs.warmup()).data_hash == old.data_hash


async def test_the_previous_snapshot_is_the_last_one_with_forecasts(jobs: Jobs) -> None:
    forecast = await jobs.ingest()
    assert (await jobs.enqueue(await jobs.warmup())).enqueued
    assert await jobs.store.ready(await jobs.store.claim_one())
    await jobs.ingest(CSV.replace(b"90,13", b"91,13"))
    await jobs.ingest(CSV.replace(b"90,13", b"92,13"))
    warmup = await jobs.warmup()
    assert warmup.previous_data_hash == forecast.data_hash
    assert warmup.previous_engine_version == "test"


async def test_an_import_enqueues_a_comparison_that_was_requested_recently(jobs: Jobs) -> None:
    assert not (await jobs.ingest()).warmup_triggered
    await jobs.stub.ReportDemand(pb.ReportDemandRequest(demand=[pb.Demand(key=KEY, count=2)]))
    newer = await jobs.ingest(CSV.replace(b"90,13", b"91,13"))
    assert newer.warmup_triggered
    assert (await jobs.warmup()).job.reason == "import"
    await jobs.store.execute("UPDATE comparisons SET last_requested_at = now() - interval '8 days'")
    assert not (await jobs.ingest(CSV.replace(b"90,13", b"92,13"))).warmup_triggered


async def test_a_slug_of_other_terms_is_refused_and_names_both(jobs: Jobs) -> None:
    await jobs.ingest(CSV.replace(b"amazon", b"c++").replace(b"costco", b"rust"))
    other = await refused(jobs.ingest(CSV.replace(b"amazon", b"c plus plus").replace(b"costco", b"rust")))
    assert other.reason is errors.SLUG_TAKEN
    assert "“c++”" in other.detail
    assert "“c plus plus”" in other.detail
    assert len(await jobs.store.execute("SELECT id FROM snapshots")) == 1


@pytest.mark.parametrize("source", ["x\0", "x\x1b[2J", "x" * 201])
async def test_an_invalid_source_is_refused(jobs: Jobs, source: str) -> None:
    error = await refused(jobs.ingest(source=source))
    assert (error.reason, [field for field, _ in error.fields]) == (errors.INVALID_ARGUMENT, ["source"])
    assert await jobs.store.execute("SELECT id FROM snapshots") == []


async def test_a_put_accepts_only_the_terms_of_the_comparison(jobs: Jobs) -> None:
    unknown = await refused(jobs.ingest(expected_slug="amazon-vs-costco"))
    assert unknown.reason is errors.NOT_FOUND
    await jobs.ingest()
    spelled = await jobs.ingest(CSV.replace(b"amazon", b"AMAZON"), expected_slug="costco-vs-amazon")
    assert (spelled.created, list(spelled.terms)) == (False, ["amazon", "costco"])
    wrong = await refused(jobs.ingest(CSV.replace(b"amazon", b"walmart"), expected_slug="amazon-vs-costco"))
    assert wrong.reason is errors.TERMS_MISMATCH
    assert "walmart" in wrong.detail
    assert "amazon" in wrong.detail


async def test_comparisons_are_listed_in_pages(jobs: Jobs) -> None:
    for number in range(5):
        await jobs.store.comparison(f"term {number}")
    first = await jobs.stub.ListComparisons(pb.ListComparisonsRequest(page_size=3))
    second = await jobs.stub.ListComparisons(pb.ListComparisonsRequest(page_size=3, page_token=first.next_page_token))
    slugs = [each.slug for page in (first, second) for each in page.comparisons]
    assert second.next_page_token == ""
    assert slugs == [f"costco-vs-term-{number}" for number in range(5)]
    assert first.comparisons[0].points == 4


async def test_the_error_for_an_unknown_comparison_names_the_known_timeframes_and_places(jobs: Jobs) -> None:
    await jobs.ingest()
    error = await refused(jobs.stub.GetWarmup(pb.GetWarmupRequest(key=pb.ComparisonKey(slug="amazon-vs-costco"))))
    assert error.reason is errors.NOT_FOUND
    assert "available: 12m US" in error.detail


async def test_demand_is_summed_and_unknown_comparisons_are_ignored(jobs: Jobs) -> None:
    await jobs.ingest()
    unknown = pb.ComparisonKey(slug="a-vs-b")
    reported = [pb.Demand(key=KEY, count=2), pb.Demand(key=KEY, count=3), pb.Demand(key=unknown, count=1)]
    await jobs.stub.ReportDemand(pb.ReportDemandRequest(demand=reported))
    assert await jobs.store.execute("SELECT demand FROM comparisons") == [{"demand": 5}]


@pytest.mark.parametrize("count", [-1, 0, 100_001, 2**62])
async def test_a_demand_report_with_a_count_out_of_bounds_is_refused_as_a_whole(jobs: Jobs, count: int) -> None:
    await jobs.ingest()
    reported = [pb.Demand(key=KEY, count=2), pb.Demand(key=KEY, count=count)]
    error = await refused(jobs.stub.ReportDemand(pb.ReportDemandRequest(demand=reported)))
    assert error.reason is errors.INVALID_ARGUMENT
    assert [field for field, _ in error.fields] == ["count"]
    assert await jobs.store.execute("SELECT demand FROM comparisons") == [{"demand": 0}]


async def test_several_warmups_come_in_order_and_an_unknown_one_is_empty(jobs: Jobs) -> None:
    await jobs.ingest()
    await jobs.ingest(CSV.replace(b"amazon", b"target"))
    await jobs.enqueue(await jobs.warmup())
    other, unknown = (pb.ComparisonKey(slug=slug, timeframe="12m", geo="US") for slug in ("costco-vs-target", "a-vs-b"))
    request = pb.BatchGetWarmupsRequest(keys=[other, unknown, KEY, other])
    warmups = (await jobs.stub.BatchGetWarmups(request)).warmups
    alone = [(await jobs.stub.GetWarmup(pb.GetWarmupRequest(key=key))) for key in (other, KEY)]
    assert list(warmups) == [alone[0], pb.GetWarmupResponse(), alone[1], alone[0]]
    assert [warmup.queue_position for warmup in warmups] == [0, 0, 1, 0]


async def test_several_warmups_and_their_places_are_one_statement(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for number in range(3):
        imported = await jobs.ingest(CSV.replace(b"amazon", b"shop %d" % number))
        keys.append(pb.ComparisonKey(slug=imported.slug, timeframe="12m", geo="US"))
        await jobs.stub.TriggerWarmup(pb.TriggerWarmupRequest(key=keys[-1]), metadata=SENT)
    statements: list[str] = []
    fetch = Database.fetch

    async def noted(self: Database, statement: str, *arguments: Any) -> Any:
        statements.append(statement)
        return await fetch(self, statement, *arguments)

    monkeypatch.setattr(Database, "fetch", noted)
    warmups = (await jobs.stub.BatchGetWarmups(pb.BatchGetWarmupsRequest(keys=keys))).warmups
    assert [warmup.queue_position for warmup in warmups] == [1, 2, 3]
    assert statements == [warmup_views.VIEWS]


async def test_too_many_warmups_at_once_are_refused(jobs: Jobs) -> None:
    error = await refused(jobs.stub.BatchGetWarmups(pb.BatchGetWarmupsRequest(keys=[KEY] * 101)))
    assert (error.reason, [field for field, _ in error.fields]) == (errors.INVALID_ARGUMENT, ["keys"])
