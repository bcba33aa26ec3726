"""The list of comparisons: pages, searches, and what it shows of each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common import errors
from services.common.comparison import canonical_slug
from services.jobs.domain.comparison import ComparisonSearch
from services.jobs.postgres.search import Search
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import CSV, Jobs, refused, serving

LONG = "y" * 100
ALL = ["banana-vs-script", f"bread-vs-{LONG}", "green-tea-vs-tea", "kava-vs-čaj", "tea-vs-water", "شاي-vs-مقهى"]


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def imported(jobs: Jobs, *pairs: tuple[str, str], **fields: object) -> None:
    for a, b in pairs:
        await jobs.ingest(CSV.replace(b"amazon", a.encode()).replace(b"costco", b.encode()), **fields)


async def found(jobs: Jobs, **fields: object) -> list[str]:
    request = pb.SearchComparisonsRequest(**fields)  # type: ignore[arg-type]  # fields of that message
    response = await jobs.stub.SearchComparisons(request)
    return [each.comparison.slug for each in response.comparisons]


async def test_pages_follow_each_other(jobs: Jobs) -> None:
    await imported(jobs, ("a", "b"), ("c", "d"), ("e", "f"))
    slugs, token = [], ""
    for _ in range(3):
        page = await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest(page_size=1, page_token=token))
        slugs += [each.comparison.slug for each in page.comparisons]
        token = page.next_page_token
    assert (slugs, token) == (["a-vs-b", "c-vs-d", "e-vs-f"], "")


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("Tea", ["green-tea-vs-tea", "tea-vs-water"]),
        ("WATER", ["tea-vs-water"]),
        ("tea vs w", ["tea-vs-water"]),
        ("  green  TEA ", ["green-tea-vs-tea"]),
        ("ater", []),
        ("%", []),
        ("_ea", []),
        ("\\", []),
        ("t%r", []),
        ("\u202e", []),
        ("x" * 200, []),
        ("مق", ["مقهى-vs-شاي"]),
        ("b", ["banana-vs-script", f"bread-vs-{LONG}"]),
        (LONG, [f"bread-vs-{LONG}"]),
        ("<script>", ["banana-vs-script"]),
        ("čaj", ["kava-vs-čaj"]),
        (
            "",
            [
                "banana-vs-script",
                f"bread-vs-{LONG}",
                "green-tea-vs-tea",
                "kava-vs-čaj",
                "tea-vs-water",
                "مقهى-vs-شاي",
            ],
        ),
    ],
)
async def test_the_beginning_of_either_term_is_found(jobs: Jobs, query: str, slugs: list[str]) -> None:
    await imported(jobs, ("tea", "water"), ("green tea", "tea"), ("čaj", "kava"))
    await imported(jobs, ("<script>", "banana"), ("شاي", "مقهى"), (LONG, "bread"))
    expected = sorted(canonical_slug(slug) for slug in slugs)
    assert sorted(await found(jobs, query=query)) == expected
    listed = await jobs.stub.ListComparisons(pb.ListComparisonsRequest(query=query))
    assert sorted(each.slug for each in listed.comparisons) == expected


async def test_pages_of_a_search_follow_each_other(jobs: Jobs) -> None:
    await imported(jobs, ("tea", "water"), ("tea", "coffee"), ("cocoa", "teak"), ("cocoa", "milk"))
    await imported(jobs, ("tea", "coffee"), geo="DE")
    slugs, token = [], ""
    for _ in range(4):
        request = pb.SearchComparisonsRequest(page_size=1, page_token=token, query="tea")
        page = await jobs.stub.SearchComparisons(request)
        slugs += [each.comparison.slug for each in page.comparisons]
        token = page.next_page_token
    assert (slugs, token) == (["cocoa-vs-teak", "coffee-vs-tea", "coffee-vs-tea", "tea-vs-water"], "")


async def test_with_trigrams_any_part_is_found(store: Store, jobs: Jobs) -> None:
    await imported(jobs, ("tea", "water"), ("green tea", "tea"))
    search = Search(store.database)
    query = ComparisonSearch("ater")
    assert await search.summaries(query, limit=10, after=None) == []  # the database has no extension
    search.trigrams = True
    [summary] = await search.summaries(query, limit=10, after=None)
    assert summary.listed.slug == "tea-vs-water"


async def test_the_timeframes_and_geos_of_one_slug_are_found(jobs: Jobs) -> None:
    await imported(jobs, ("tea", "water"), ("teak", "water"))
    await imported(jobs, ("tea", "water"), geo="DE", timeframe="5y")
    response = await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest(slug="Water-vs-Tea"))
    keys = [(each.comparison.slug, each.comparison.timeframe, each.comparison.geo) for each in response.comparisons]
    assert keys == [("tea-vs-water", "12m", "US"), ("tea-vs-water", "5y", "DE")]


async def test_a_summary_shows_values_state_and_leader(jobs: Jobs) -> None:
    await jobs.ingest()
    [cold] = (await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest())).comparisons
    assert list(cold.values_a) == [75, 80, 77, 90]
    assert (cold.status, cold.leader, cold.HasField("last_ready_at")) == (pb.JOB_STATUS_UNSPECIFIED, "termA", False)
    assert (await jobs.enqueue(await jobs.warmup())).enqueued
    assert await jobs.store.ready(await jobs.store.claim_one())
    [ready] = (await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest())).comparisons
    assert ready.status == pb.JOB_STATUS_READY
    assert ready.HasField("last_ready_at")


async def test_the_moment_of_the_last_forecast_stays_while_it_is_refreshed(jobs: Jobs) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    done = await jobs.store.claim_one()
    await jobs.store.ready(done)
    assert (await jobs.enqueue(await jobs.warmup(), pb.ENQUEUE_REASON_REFRESH)).enqueued
    [refreshed] = (await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest())).comparisons
    assert (refreshed.status, refreshed.HasField("last_ready_at")) == (pb.JOB_STATUS_QUEUED, True)


async def test_newer_data_have_the_state_of_their_own_job(jobs: Jobs) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    await jobs.store.ready(await jobs.store.claim_one())
    assert not (await jobs.ingest(CSV + b"2024-02-04,91,15\n")).warmup_triggered
    [newer] = (await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest())).comparisons
    assert list(newer.values_a) == [75, 80, 77, 90, 91]
    assert (newer.status, newer.HasField("last_ready_at")) == (pb.JOB_STATUS_UNSPECIFIED, True)


async def test_a_partial_period_is_not_shown(jobs: Jobs) -> None:
    await jobs.ingest(CSV.replace(b"90,13", b"1,99"), as_of={"seconds": 1706486400})  # within the last week
    [summary] = (await jobs.stub.SearchComparisons(pb.SearchComparisonsRequest())).comparisons
    assert list(summary.values_a) == [75, 80, 77]
    assert summary.leader == "termA"


async def test_limits_are_named(jobs: Jobs) -> None:
    for request in (
        pb.SearchComparisonsRequest(page_size=101),
        pb.SearchComparisonsRequest(query="x" * 201),
        pb.SearchComparisonsRequest(page_token="x"),
    ):
        assert (await refused(jobs.stub.SearchComparisons(request))).reason is errors.INVALID_ARGUMENT
