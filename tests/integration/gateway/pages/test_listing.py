"""The list of comparisons: cards, search, paging, empty states."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from markupsafe import escape
from pydantic import SecretStr
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import FAILED, HASH, QUEUED, READY, RUNNING, moment
from tests.integration.gateway.pages.browser import log_in, page

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\u202eevil", "x" * 200)
NEVER = jobs_pb2.JOB_STATUS_UNSPECIFIED


def summary(
    terms: tuple[str, str] = ("amazon", "costco"),
    values: tuple[list[float], list[float]] = ([40, 55], [50, 62]),
    leader: str = "termB",
    status: jobs_pb2.JobStatus.ValueType = READY,
    ready_at: str = "2026-01-01T10:00:00",
    **more: Any,
) -> jobs_pb2.ComparisonSummary:
    """A comparison whose forecast was last made at `ready_at`."""
    row = jobs_pb2.Comparison(slug="amazon-vs-costco", terms=terms, timeframe="12m", geo="US", data_hash=HASH)
    return jobs_pb2.ComparisonSummary(
        comparison=row,
        values_a=values[0],
        values_b=values[1],
        status=status,
        last_ready_at=moment(ready_at) if ready_at else None,
        leader=leader,
        **more,
    )


def listed(*summaries: jobs_pb2.ComparisonSummary, token: str = "") -> jobs_pb2.SearchComparisonsResponse:
    return jobs_pb2.SearchComparisonsResponse(comparisons=summaries, next_page_token=token)


def words(html: str) -> str:
    """The text of a page."""
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


async def test_a_card_shows_who_leads_and_when_the_last_forecast_was_made(world: World) -> None:
    world.reply(SearchComparisons=listed(summary()))
    response = await world.client.get("/")
    html = page(response)
    assert 'href="/compare/amazon-vs-costco?tf=12m&amp;geo=US"' in html
    assert "costco is ahead, 62 to 55" in words(html)
    assert "Last forecast 1 January 2026, 10:00 UTC" in words(html)
    assert "12 months, weekly · US" in words(html)
    assert html.count('class="chart sparkline"') == 1
    assert "ready" not in words(html).lower()
    assert response.headers["etag"]
    assert {name: len(calls) for name, calls in world.jobs.calls.items() if name != "WatchWarmups"} == {
        "SearchComparisons": 1
    }


@pytest.mark.parametrize(
    ("age", "leader", "expected"),
    [
        (timedelta(weeks=2), "termB", "costco is ahead, 62 to 55"),
        (timedelta(weeks=9), "termB", "costco was ahead at the end of the data, 62 to 55"),
        (timedelta(weeks=9), "", "Both were level at the end of the data, at 7"),
    ],
)
async def test_who_is_ahead_is_said_of_recent_data_alone(
    world: World, age: timedelta, leader: str, expected: str
) -> None:
    shown = summary(leader=leader) if leader else summary(leader=leader, values=([7], [7]))
    shown.comparison.last.FromDatetime(datetime.now(UTC) - age)
    world.reply(SearchComparisons=listed(shown))
    assert expected in words(page(await world.client.get("/")))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (summary(status=RUNNING), "Last forecast 1 January 2026, 10:00 UTC The next one is on its way"),
        (summary(status=QUEUED, ready_at=""), "The first forecast is on its way"),
        (summary(status=FAILED), "Last forecast 1 January 2026, 10:00 UTC The last try failed"),
        (summary(status=FAILED, ready_at=""), "The last try failed"),
        (summary(status=NEVER, ready_at=""), "No forecast yet: open it to start one"),
        (summary(values=([3], [3]), leader=""), "Both are level, at 3"),
        (summary(values=([3.2], [2.9]), leader="termA"), "Both are level, at 3"),
        (summary(values=([0.5], [0]), leader="termA"), "amazon is ahead, <1 to 0"),
        (summary(leader="", scaled_apart=True), "Two exports with scales of their own: not comparable"),
    ],
)
async def test_each_state_in_words(world: World, shown: jobs_pb2.ComparisonSummary, expected: str) -> None:
    world.reply(SearchComparisons=listed(shown))
    assert str(escape(expected)) in words(page(await world.client.get("/")))


async def test_a_search_is_kept_in_the_field_and_on_the_next_page(world: World) -> None:
    world.reply(SearchComparisons=listed(summary(), token="after=this"))
    html = page(await world.client.get("/", params={"q": " co&st ", "cursor": "here"}))
    request = world.jobs.only("SearchComparisons").request
    assert (request.query, request.page_token, request.slug) == ("co&st", "here", "")
    assert 'value="co&amp;st"' in html
    assert 'href="/?q=co%26st&amp;cursor=after%3Dthis"' in html
    assert 'href="/?q=co%26st">First page' in html
    assert "Comparisons with “<bdi>co&amp;st</bdi>”" in html


async def test_one_page_has_no_links_to_others(world: World) -> None:
    world.reply(SearchComparisons=listed(summary()))
    assert 'aria-label="Pages"' not in page(await world.client.get("/"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "Start with two search terms"),
        ({"q": "nothing"}, "Nothing found for “<bdi>nothing</bdi>”"),
        ({"cursor": "end"}, "No more comparisons"),
    ],
)
async def test_an_empty_list_says_what_to_do(world: World, query: dict[str, str], expected: str) -> None:
    world.reply(SearchComparisons=listed())
    assert expected in page(await world.client.get("/", params=query))


async def test_an_empty_list_says_what_its_reader_may_do(open_world: OpenWorld) -> None:
    key, entry = new_api_key("shop", Rate(100, 1))
    async with open_world() as world:
        html = page(await world.client.get("/"))
        assert "log in with the warmup secret, which the operator of this server has" in html
        assert '<a class="button primary" href="/login?next=/">' in html
        await log_in(world.client)
        html = page(await world.client.get("/"))
        assert 'formaction="/import/sample"' in html
        assert "log in with" not in html
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        await log_in(world.client, key)
        html = page(await world.client.get("/"))
        assert "This login is read-only" in html
        assert "formaction" not in html
    async with open_world(warmup_secret=None) as world:
        html = page(await world.client.get("/"))
        assert "this server has no <code>WARMUP_SECRET</code>" in html
        assert "/login" not in html


@pytest.mark.parametrize("term", HOSTILE)
async def test_terms_and_queries_are_text(world: World, term: str) -> None:
    world.reply(SearchComparisons=listed(summary((term, "costco"), leader="termA", values=([62], [55]))))
    html = page(await world.client.get("/", params={"q": term[:100]}))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert html.count(str(escape(term))) >= 2


@pytest.mark.parametrize(
    ("query", "field"), [("q=a&q=b", "q"), (f"q={'x' * 101}", "q"), (f"cursor={'x' * 1_001}", "cursor")]
)
async def test_an_invalid_parameter_is_named(world: World, query: str, field: str) -> None:
    assert f"<code>{field}</code>" in page(await world.client.get(f"/?{query}"), 400)


async def test_the_name_of_an_invalid_parameter_is_written_once(world: World) -> None:
    html = page(await world.client.get(f"/?q={'x' * 101}"), 400)
    assert "<p><code>q</code> is longer than 100 characters.</p>" in html


async def test_an_outage_is_a_page_for_every_client(world: World) -> None:
    world.reply(SearchComparisons=WarmcastError(errors.UNAVAILABLE, "down", retry_after=7))
    assert "Try again in 7 seconds." in page(await world.client.get("/"), 503)


async def test_where_keys_are_configured_a_login_is_needed(open_world: OpenWorld) -> None:
    key, entry = new_api_key("shop", Rate(100, 1))
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        world.reply(SearchComparisons=listed(summary()))
        assert "Log in" in page(await world.client.get("/"), 401)
        await log_in(world.client, key)
        response = await world.client.get("/")
        assert "costco is ahead" in words(page(response))
        assert response.headers["cache-control"] == "private, no-cache"


async def test_an_unknown_comparison_names_the_known_ones_of_its_terms(world: World) -> None:
    world.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "unknown comparison"), SearchComparisons=listed(summary()))
    html = page(await world.client.get("/compare/amazon-vs-costco?tf=5y"), 404)
    assert '<a href="/compare/amazon-vs-costco?tf=12m&amp;geo=US">12 months, weekly · US</a>' in html
    assert world.jobs.only("SearchComparisons").request.slug == "amazon-vs-costco"
