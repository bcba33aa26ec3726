"""The list of comparisons with the state of their forecasts, and the map above it."""

from __future__ import annotations

import re

import pytest
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page
from tests.integration.gateway.pages.test_listing import HOSTILE, words
from tests.unit.gateway.pages.operations.test_coverage import Count, covered, summary, trusted

PATH = "/ops/comparisons"


def listed(*rows: operations_pb2.CoveredComparison, token: str = "") -> operations_pb2.ListCoverageResponse:
    return operations_pb2.ListCoverageResponse(comparisons=rows, next_page_token=token)


def prepare(world: World, *rows: operations_pb2.CoveredComparison, token: str = "") -> None:
    world.reply(
        ListCoverage=listed(*rows, token=token),
        GetCoverageSummary=summary(),
        GetTrustStats=jobs_pb2.GetTrustStatsResponse(total=trusted()),
    )


async def test_each_comparison_with_its_state_and_what_leads_on(world: World) -> None:
    prepare(world, covered(geo="US"), covered("cold", last_ready_at=None, job_id=0, last_requested_at=None))
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "fresh until 2026-01-02 10:00:00" in words(html)
    assert "never computed" in words(html)
    for path in (
        "/compare/amazon-vs-costco?tf=12m&amp;geo=US",
        "/ops/jobs/42",
        "/ops/jobs?slug=amazon-vs-costco&amp;tf=12m&amp;geo=US",
        "/ops/comparisons?state=cold&amp;tf=12m",
        "/ops/track-record",
    ):
        assert f'href="{path}"' in html, path
    assert 'href="/import">Import data</a>' in html


async def test_a_filter_is_sent_and_kept_in_form_and_addresses(world: World) -> None:
    prepare(world, covered(), token="after=this")
    await log_in(world.client)
    given = {"state": "cold", "q": "co&st", "tf": "12m", "geo": "worldwide", "requested": "true"}
    html = page(await world.client.get(PATH, params={**given, "cursor": "here"}))
    request = world.jobs.only("ListCoverage").request
    assert (request.page_token, request.filter.query, request.filter.state) == ("here", "co&st", "cold")
    assert request.filter.HasField("geo")
    assert 'value="co&amp;st"' in html
    query = "state=cold&amp;q=co%26st&amp;tf=12m&amp;geo=worldwide&amp;requested=true"
    assert f'data-fragment="{PATH}/fragment?{query}&amp;cursor=here"' in html
    assert f'href="{PATH}?{query}&amp;cursor=after%3Dthis" rel="next"' in html
    assert f'href="{PATH}.csv?{query}"' in html


async def test_what_is_wrong_with_a_filter_is_said_above_the_form(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"state": "warm"}), 400)
    assert (
        "Forecasts must be one of fresh, stale, stale-age, stale-engine-version, stale-snapshot, cold, failed"
        in words(html)
    )
    assert "ListCoverage" not in world.jobs.calls


async def test_the_fragment_holds_the_map_and_the_list_alone(world: World) -> None:
    prepare(world, covered())
    await log_in(world.client)
    response = await world.client.get(f"{PATH}/fragment", params={"tf": "12m"})
    assert response.status_code == 200
    assert "<html" not in response.text
    assert "<form" not in response.text, "a filter that is being filled in stays"
    assert re.findall(r'data-part="(\w+)"', response.text) == ["map", "list"]
    assert "12 months, weekly: all 10" in response.text
    assert "12 months, weekly: 2 stale by engine version" in response.text
    assert "Forecasts of engines before version 10 are stale." in response.text
    assert "amazon" in response.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "No comparisons yet"),
        ({"state": "cold"}, "No comparison matches"),
        ({"cursor": "end"}, "No more comparisons"),
    ],
)
async def test_an_empty_list_says_what_to_do(world: World, query: dict[str, str], expected: str) -> None:
    prepare(world)
    await log_in(world.client)
    assert expected in page(await world.client.get(PATH, params=query))


async def test_a_page_without_a_match_leads_to_the_next_one(world: World) -> None:
    prepare(world, token="further")
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"state": "cold"}))
    assert "None among these" in html
    assert f'href="{PATH}?state=cold&amp;cursor=further"' in html


async def test_counts_that_stop_are_said_to_be_of_the_most_requested(world: World) -> None:
    prepare(world)
    world.reply(GetCoverageSummary=summary(all=Count(comparisons=10_000, fresh=9_000, cold=1_000)))
    await log_in(world.client)
    text = words(page(await world.client.get(PATH)))
    assert "10,000+" in text
    assert "Counts are of the 10,000 most requested comparisons" in text


async def test_an_operator_may_warm_all_that_match(world: World) -> None:
    prepare(world, covered("cold"))
    operation = operations_pb2.BulkOperation(
        id=9, action=operations_pb2.BULK_ACTION_WARM, filter='{"state": "cold"}', state="prepared", matched=312
    )
    world.reply(
        PrepareBulkOperation=operations_pb2.PrepareBulkOperationResponse(
            operation=operation, comparisons=[covered("cold")]
        )
    )
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"state": "cold", "geo": "worldwide"}))
    assert "Warm all that match…" in html
    form = {"token": form_token(html), "action": "warm", "state": "cold", "geo": "worldwide"}
    dry_run = page(await world.client.post("/ops/bulk", data=form, headers=SAME_SITE))
    request = world.jobs.only("PrepareBulkOperation").request
    assert request.action == operations_pb2.BULK_ACTION_WARM
    assert request.comparisons == operations_pb2.CoverageFilter(state="cold", geo="")
    assert "Warm 312 comparisons" in dry_run


async def test_the_csv_holds_all_pages(world: World) -> None:
    replies = {"": listed(covered(), token="2"), "2": listed(covered("cold"))}
    world.reply(ListCoverage=lambda request: replies[request.page_token])
    await log_in(world.client)
    response = await world.client.get(f"{PATH}.csv", params={"tf": "12m"})
    assert response.headers["content-disposition"] == 'attachment; filename="comparisons.csv"'
    rows = response.text.splitlines()
    assert rows[0].startswith("\ufeffslug,term a,")
    assert [row.split(",")[5] for row in rows[1:]] == ["fresh", "cold"]
    assert {call.request.filter.timeframe for call in world.jobs.calls["ListCoverage"]} == {"12m"}


@pytest.mark.parametrize("term", HOSTILE)
async def test_terms_are_text(world: World, term: str) -> None:
    hostile = covered()
    hostile.comparison.terms[0] = term
    prepare(world, hostile)
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "<script>alert" not in html
    assert "<img" not in html


async def test_an_outage_is_a_page(world: World) -> None:
    prepare(world)
    world.reply(GetCoverageSummary=WarmcastError(errors.UNAVAILABLE, "down", retry_after=7))
    await log_in(world.client)
    assert "Try again in 7 seconds." in page(await world.client.get(PATH), 503)
