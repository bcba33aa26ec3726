"""Coverage: the order by popularity, the state of forecasts, filters and counts."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.comparison import TIMEFRAMES
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.reports.coverage import CoverageFilter
from services.jobs.domain.reports.history import Failure
from services.jobs.postgres.reports import coverage as coverage_module
from services.jobs.postgres.search import Search
from tests.integration.jobs.conftest import Store, key_of
from tests.integration.jobs.service import Jobs, refused, serving, token_of


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def requested(store: Store, term: str, times: int, *, days_ago: float = 0) -> None:
    """A comparison of `term` that was requested `times` times, so long ago."""
    snapshot = await store.comparison(term)
    await store.comparisons.report_demand({key_of(snapshot): times})
    await store.execute(
        "UPDATE comparisons SET last_requested_at = last_requested_at - make_interval(secs => %(seconds)s) "
        "WHERE slug = %(slug)s",
        seconds=86_400 * days_ago,
        slug=snapshot.slug,
    )


async def ready(store: Store, term: str, *, hours_ago: float = 0) -> int:
    """A comparison whose job became ready so long ago; returns the job's id."""
    job = await store.claimed(term)
    assert await store.ready(job)
    await store.execute(
        "UPDATE warmup_jobs SET completed_at = now() - make_interval(secs => %(seconds)s) WHERE id = %(id)s",
        seconds=3600 * hours_ago,
        id=job.id,
    )
    await store.execute(
        "UPDATE forecast_records SET generated_at = now() - make_interval(secs => %(seconds)s) WHERE job_id = %(id)s",
        seconds=3600 * hours_ago,
        id=job.id,
    )
    await store.execute(
        "UPDATE warmup_attempts SET ended_at = now() - make_interval(secs => %(seconds)s) WHERE job_id = %(id)s",
        seconds=3600 * hours_ago,
        id=job.id,
    )
    return job.id


async def listed(jobs: Jobs, **fields: object) -> list[pb.CoveredComparison]:
    wanted = pb.CoverageFilter(**fields)  # type: ignore[arg-type]  # fields of that message
    return list((await jobs.operations.ListCoverage(pb.ListCoverageRequest(filter=wanted))).comparisons)


def terms(rows: list[pb.CoveredComparison]) -> list[str]:
    """What costco is compared with in each."""
    return [each.comparison.slug.removesuffix("-vs-costco").removeprefix("costco-vs-") for each in rows]


async def test_the_most_popular_come_first_and_a_halved_demand_counts_half(jobs: Jobs) -> None:
    await requested(jobs.store, "a", 10, days_ago=3.5)
    await requested(jobs.store, "b", 6)
    await requested(jobs.store, "c", 4)
    await jobs.store.comparison("d")
    rows = await listed(jobs)
    assert terms(rows) == ["b", "a", "c", "d"]
    assert [round(each.demand, 3) for each in rows] == [6, 5, 4, 0]
    assert [each.HasField("last_requested_at") for each in rows] == [True, True, True, False]
    first = rows[0].comparison
    assert (list(first.terms), first.timeframe, first.points) == (["b", "costco"], "12m", 4)


async def test_pages_follow_each_other_also_among_equals(jobs: Jobs) -> None:
    for term in "abc":
        await jobs.store.comparison(term)
    await requested(jobs.store, "d", 3)
    seen, token = [], ""
    for _ in range(4):
        page = await jobs.operations.ListCoverage(pb.ListCoverageRequest(page_size=1, page_token=token))
        seen += terms(list(page.comparisons))
        token = page.next_page_token
    assert (seen, token) == (["d", "c", "b", "a"], "")


async def test_each_comparison_has_the_state_of_its_forecasts(jobs: Jobs) -> None:
    store = jobs.store
    await ready(store, "fresh")
    await ready(store, "stale", hours_ago=25)
    await ready(store, "old", hours_ago=24 * 8)
    await store.comparison("never")
    await store.queued("first")
    rows = await listed(jobs)
    by_term = dict(zip(terms(rows), rows, strict=True))
    states = {term: row.state for term, row in by_term.items()}
    assert states == {"fresh": "fresh", "stale": "stale", "old": "cold", "never": "cold", "first": "cold"}
    assert {term: row.stale_because for term, row in by_term.items() if row.stale_because} == {"stale": "age"}
    stale = by_term["stale"]
    made = stale.last_ready_at.ToSeconds()
    assert stale.fresh_until.ToSeconds() - made == 86_400
    assert stale.warm_until.ToSeconds() - made == 7 * 86_400
    assert by_term["never"].status == jobs_pb2.JOB_STATUS_UNSPECIFIED
    assert (by_term["first"].status, by_term["first"].job_id > 0) == (jobs_pb2.JOB_STATUS_QUEUED, True)
    assert not by_term["first"].HasField("warm_until")


async def test_a_job_that_refreshes_keeps_its_state_and_one_that_lost_its_bundles_is_cold(jobs: Jobs) -> None:
    store = jobs.store
    for term, reason in (("kept", EnqueueReason.REFRESH), ("lost", EnqueueReason.CACHE_LOST)):
        row = await store.queue.job(await ready(store, term, hours_ago=2))
        assert row is not None
        assert await store.queue.enqueue(row.key, row.data_hash, seen_version=row.version, reason=reason)
    rows = await listed(jobs)
    assert dict(zip(terms(rows), [each.state for each in rows], strict=True)) == {"kept": "fresh", "lost": "cold"}


async def test_the_snapshot_before_is_served_as_stale_until_the_newer_one_is_ready(jobs: Jobs) -> None:
    await ready(jobs.store, "amazon", hours_ago=2)
    await jobs.store.comparison("amazon", values=(1, 2, 3, 4, 5))
    [row] = await listed(jobs)
    assert (row.state, row.stale_because) == ("stale", "snapshot")
    assert (row.HasField("last_ready_at"), row.HasField("warm_until")) == (False, True)


async def test_filters(jobs: Jobs) -> None:
    store = jobs.store
    await ready(store, "tea")
    await ready(store, "green tea", hours_ago=30)
    await requested(store, "coffee", 1, days_ago=8)
    await requested(store, "cocoa", 1, days_ago=6)
    failed = await store.claimed("milk")
    await store.queue.fail(failed, Failure("test", "it failed"), permanent=True)
    assert terms(await listed(jobs, state="fresh")) == ["tea"]
    assert terms(await listed(jobs, state="stale")) == ["green-tea"]
    assert sorted(terms(await listed(jobs, state="cold"))) == ["cocoa", "coffee", "milk"]
    assert terms(await listed(jobs, state="failed")) == ["milk"]
    assert terms(await listed(jobs, requested=True)) == ["cocoa"]
    assert terms(await listed(jobs, query="TEA")) == ["tea"]
    assert terms(await listed(jobs, query="co", state="cold", requested=True)) == ["cocoa"]
    assert terms(await listed(jobs, query="%")) == []
    assert len(await listed(jobs, timeframe="12m", geo="")) == 5
    assert terms(await listed(jobs, timeframe="5y")) == []
    assert terms(await listed(jobs, geo="US")) == []


async def test_a_query_that_many_match_is_checked_in_order(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage_module, "_MAX_SLUGS", 1)
    for times, term in enumerate(("tea", "teak", "green tea", "coffee"), start=1):
        await requested(jobs.store, term, times)
    assert terms(await listed(jobs, query="tea")) == ["teak", "tea"]
    search = Search(jobs.store.database)
    search.trigrams = True
    anywhere = await jobs.store.coverage(search).page(CoverageFilter(query="tea"), limit=9, after=None)
    assert [each.listed.term_a for each in anywhere.comparisons] == ["costco", "costco", "costco"]


async def test_a_page_of_a_filter_that_few_pass_is_short_and_goes_on(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage_module, "_SCANNED", 2)
    await ready(jobs.store, "fresh")
    for term in "abc":
        await requested(jobs.store, term, 5)
    seen, token, pages = [], "", 0
    while pages == 0 or token:
        wanted = pb.CoverageFilter(state="fresh")
        page = await jobs.operations.ListCoverage(pb.ListCoverageRequest(filter=wanted, page_token=token))
        seen += terms(list(page.comparisons))
        token, pages = page.next_page_token, pages + 1
    assert (seen, pages) == (["fresh"], 3)


async def test_all_that_match_have_the_versions_of_their_jobs(store: Store) -> None:
    coverage = store.coverage()
    await store.claimed("running")
    job = await store.queued("queued")
    await store.comparison("never")
    statement, parameters = await coverage.matching(CoverageFilter(state="cold"), limit=10)
    assert {row["version"] for row in await store.execute(statement, **parameters)} == {job.version, 0}
    statement, parameters = await coverage.matching(CoverageFilter(), limit=1)
    assert len(await store.execute(statement, **parameters)) == 1


async def test_the_summary_counts_by_state_and_timeframe(jobs: Jobs) -> None:
    await ready(jobs.store, "fresh")
    await ready(jobs.store, "stale", hours_ago=30)
    await requested(jobs.store, "cold", 1)
    summary = await jobs.operations.GetCoverageSummary(pb.GetCoverageSummaryRequest())
    assert summary.all == pb.CoverageCount(comparisons=3, fresh=1, stale=1, stale_age=1, cold=1)
    assert summary.requested == pb.CoverageCount(comparisons=1, cold=1)
    assert [each.timeframe for each in summary.timeframes] == list(TIMEFRAMES)
    assert [each.count.comparisons for each in summary.timeframes] == [0, 0, 0, 3, 0, 0]


async def test_an_empty_database_has_no_coverage(jobs: Jobs) -> None:
    assert await listed(jobs) == []
    summary = await jobs.operations.GetCoverageSummary(pb.GetCoverageSummaryRequest())
    assert (summary.all, len(summary.timeframes)) == (pb.CoverageCount(), 6)


async def test_limits_are_named(jobs: Jobs) -> None:
    for request in (
        pb.ListCoverageRequest(page_size=201),
        pb.ListCoverageRequest(page_token="x"),
        pb.ListCoverageRequest(page_token=token_of([-1.0, 1])),
        pb.ListCoverageRequest(page_token=token_of([1e999, 1])),
        pb.ListCoverageRequest(page_token=token_of([10**400, 1])),
        pb.ListCoverageRequest(page_token=token_of([1.0, True])),
        pb.ListCoverageRequest(filter=pb.CoverageFilter(state="warm")),
        pb.ListCoverageRequest(filter=pb.CoverageFilter(timeframe="13m")),
        pb.ListCoverageRequest(filter=pb.CoverageFilter(geo="nowhere")),
        pb.ListCoverageRequest(filter=pb.CoverageFilter(query="x" * 201)),
    ):
        assert (await refused(jobs.operations.ListCoverage(request))).reason is errors.INVALID_ARGUMENT


async def test_demand_and_order_are_those_of_each_request(jobs: Jobs) -> None:
    """Each request counts one, halved every half week; days of requests pass in between."""
    randomness = random.Random(26)
    requests: dict[str, list[tuple[float, int]]] = {term: [] for term in ("tea", "milk", "cocoa", "juice", "water")}
    keys = {term: key_of(await jobs.store.comparison(term)) for term in requests}
    for _ in range(12):
        passed = randomness.choice((0.2, 1, 3.5))
        await jobs.store.execute(
            "UPDATE comparisons SET last_requested_at = last_requested_at - make_interval(secs => %(seconds)s)",
            seconds=86_400 * passed,
        )
        for made in requests.values():
            made[:] = [(days + passed, times) for days, times in made]
        for term in randomness.sample(sorted(requests)[:-1], 2):
            requests[term].append((0, randomness.randint(1, 9)))
            await jobs.store.comparisons.report_demand({keys[term]: requests[term][-1][1]})
    demand = {term: sum(times * 0.5 ** (days / 3.5) for days, times in made) for term, made in requests.items()}
    rows = await listed(jobs)
    assert terms(rows) == sorted(demand, key=lambda term: -demand[term])
    assert [each.demand for each in rows] == pytest.approx([demand[term] for term in terms(rows)], rel=1e-4, abs=1e-9)
    recent = [term for term in terms(rows) if requests[term] and requests[term][-1][0] < 7]
    assert terms(await listed(jobs, requested=True)) == recent
    summary = await jobs.operations.GetCoverageSummary(pb.GetCoverageSummaryRequest())
    assert summary.requested.comparisons == len(recent)
