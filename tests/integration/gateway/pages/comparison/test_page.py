"""The page of a comparison: what it says, who may read it, and its other forms."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import escape
from unittest.mock import Mock

import pytest
from pydantic import SecretStr

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from services.gateway.pages.comparison.view import build_view
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import (
    MISSING,
    READY,
    cached,
    forecasts,
    job,
    warmup,
)
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.comparison.answers import PATH, settled, state
from tests.integration.gateway.pages.series import detail

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\u202eevil", "x" * 200, "=1+1")


async def test_a_ready_page_says_who_leads_and_who_will(shown: World) -> None:
    response = await shown.client.get(PATH)
    html = page(response)
    text = re.sub(r"<[^>]+>", "", html)
    assert (state(html), settled(html)) == ("ready", True)
    assert "costco was ahead at the end of the data, 62 to 55." in " ".join(text.split())
    assert "Over the following 13 weeks" in " ".join(text.split())
    assert "of 100 simulated futures" in " ".join(text.split())
    assert '<meta property="og:title" content="amazon vs costco">' in html
    assert html.count("<svg") >= 5
    assert response.headers["etag"]


async def test_recent_data_end_now(world: World) -> None:
    last_week = datetime.now(UTC) - timedelta(weeks=1)
    world.reply(GetComparison=detail(start=last_week - timedelta(weeks=51)))
    html = page(await world.client.get(PATH))
    text = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "costco is ahead now, 62 to 55. Over the next 13 weeks" in text
    assert ">now</text>" in html


@pytest.mark.parametrize("probability", [50.4, 49.6])
async def test_even_chances_have_no_leader(shown: World, probability: float) -> None:
    kept = cached()
    row = json.loads(kept.head_to_head_json)
    kept.head_to_head_json = json.dumps({**row, "winnerProbability": probability}).encode()
    shown.reply(GetForecasts=forecasts(kept))
    html = page(await shown.client.get(PATH))
    text = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "Over the following 13 weeks each term leads in 50 of 100 simulated futures." in text
    assert "each term leads in 50 of 100 simulated futures." in html.partition("</head>")[0]
    assert 'aria-label="each term leads in 10 of 20 simulated futures"' in html


@pytest.mark.parametrize(
    ("values", "apart", "words"),
    [
        ((99.6, 3), False, "100 is the highest point of either term."),
        ((87, 3), False, "On a scale from 0 to 100. The highest point of either term is 87."),
        ((0, 0.2), False, "The highest point of either term is &lt;1."),
        ((100, 100), True, "100 is the highest point of each term."),
        ((100, 61), True, "Each term has a scale of its own, from 0 to 100."),
    ],
)
async def test_the_scale_is_that_of_the_data(
    shown: World, values: tuple[float, float], apart: bool, words: str
) -> None:
    series = detail(scaled_apart=apart)
    for index, point in enumerate(series.points):
        point.value_a, point.value_b = values if index == 3 else (0, 0)
    shown.reply(GetComparison=series, GetForecasts=forecasts(cached(scaled_apart=apart)))
    assert words in page(await shown.client.get(PATH))


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("weeks", "offered"), [(78, False), (79, True)])
async def test_all_of_the_past_is_offered_where_a_phone_shows_a_part(
    shown: World, weeks: int, apart: bool, offered: bool
) -> None:
    shown.reply(GetComparison=detail(points=weeks, scaled_apart=apart), GetForecasts=forecasts(cached()))
    assert ("Show all of the past" in page(await shown.client.get(PATH))) is offered


async def test_a_kept_page_is_not_rendered_again(shown: World, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Mock(wraps=build_view)
    monkeypatch.setattr("services.gateway.pages.comparison.bodies.build_view", build)
    first = await shown.client.get(PATH)
    again = await shown.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert build.call_count == 1
    assert len(shown.jobs.calls["GetComparison"]) == 1


async def test_scaled_apart_terms_have_two_charts_and_no_winner(shown: World) -> None:
    shown.reply(GetComparison=detail(scaled_apart=True), GetForecasts=forecasts(cached(scaled_apart=True)))
    html = page(await shown.client.get(PATH))
    assert 'id="chart-a-wide"' in html
    assert 'id="chart-b-wide"' in html
    assert "there is no winner" in html
    assert "ahead now" not in html
    assert "simulated futures" not in html


async def test_bundles_of_an_older_engine_still_show(shown: World) -> None:
    old = cached()
    for field in ("insights_a_json", "insights_b_json", "together_json", "interpretations_json"):
        old.ClearField(field)
    shown.reply(GetForecasts=forecasts(old))
    assert "This forecast has no explanations" in page(await shown.client.get(PATH))


async def test_an_explanation_has_its_numbers_in_words(shown: World) -> None:
    kept = cached()
    evidence = {"winnerProbability": 78.0, "season": "late November", "recurring": True, "dates": ["2026-01-04"]}
    sentence = {"id": "lead", "term": None, "text": "amazon leads.", "evidence": evidence}
    kept.interpretations_json = json.dumps([sentence]).encode()
    shown.reply(GetForecasts=forecasts(kept))
    html = page(await shown.client.get(PATH))
    assert '<li>amazon leads.<details id="evidence-lead-both">' in html
    assert ">winner probability 78, season late November</p>" in html


async def test_bundles_of_another_shape_leave_the_history(shown: World) -> None:
    other = cached()
    other.term_a_json = b'{"term": "amazon"}'
    shown.reply(GetForecasts=forecasts(other))
    html = page(await shown.client.get(PATH))
    assert "62 to 55" in html
    rows = list(csv.reader(io.StringIO((await shown.client.get(f"{PATH}/data.csv")).text)))
    assert {row[1] for row in rows[1:]} == {"actual"}


async def test_an_unknown_comparison_is_404(shown: World) -> None:
    shown.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "unknown comparison"))
    html = page(await shown.client.get(PATH), 404)
    assert "There is no such comparison" in html


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/compare/Costco-VS-amazon?tf=5y", f"{PATH}?tf=5y"),
        ("/compare/costco-vs-amazon", PATH),
    ],
)
async def test_another_spelling_leads_to_the_canonical_slug(shown: World, path: str, target: str) -> None:
    response = await shown.client.get(path)
    assert (response.status_code, response.headers["location"]) == (308, target)


async def test_an_invalid_parameter_is_named(shown: World) -> None:
    html = page(await shown.client.get(f"{PATH}?tf=13m"), 400)
    assert "<code>tf</code>" in html


async def test_where_keys_are_configured_a_login_is_needed(open_world: OpenWorld) -> None:
    key, entry = new_api_key("shop", Rate(100, 1))
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        world.reply(GetComparison=detail())
        for path in (PATH, f"{PATH}/fragment", f"{PATH}/events", f"{PATH}/data.csv", f"{PATH}/data.json"):
            assert (await world.client.get(path)).status_code == 401
        assert "Log in" in page(await world.client.get(PATH), 401)
        await log_in(world.client, key)
        response = await world.client.get(PATH)
        assert state(page(response)) == "ready"
        assert response.headers["cache-control"] == "private, no-cache"
        for name in ("data.csv", "data.json"):
            assert f'href="{PATH}/{name}?tf=12m"' in response.text
            data = await world.client.get(f"{PATH}/{name}?tf=12m")
            caching = (data.headers["cache-control"], data.headers["vary"])
            assert (data.status_code, *caching) == (200, "private, no-cache", "accept-encoding, cookie")


async def test_the_json_of_a_page_is_the_premium_answer_and_enqueues_nothing(shown: World) -> None:
    data = await shown.client.get(f"{PATH}/data.json?tf=12m")
    assert data.headers["content-type"].startswith("application/json")
    assert "access-control-allow-origin" not in data.headers
    premium = await shown.client.get("/api/comparison/premium?slug=amazon-vs-costco&tf=12m")
    assert data.json() == premium.json()
    shown.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)))
    missing = await shown.client.get(f"{PATH}/data.json?tf=5y")
    assert missing.json()["needsWarmup"] is True
    assert not shown.jobs.calls["EnqueueWarmup"]


async def test_the_fragment_is_the_live_part(shown: World) -> None:
    html = page(await shown.client.get(PATH))
    response = await shown.client.get(f"{PATH}/fragment?tf=12m")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.strip() in html


async def test_the_stream_is_that_of_premium(shown: World) -> None:
    response = await shown.client.get(f"{PATH}/events?tf=12m")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "event: status" in response.text
    [last] = re.findall(r"^id: (\S+)$", response.text, re.MULTILINE)
    for resumed in (
        await shown.client.get(f"{PATH}/events", params={"tf": "12m", "after": last}),
        await shown.client.get(f"{PATH}/events?tf=12m", headers={"Last-Event-ID": last}),
    ):
        assert resumed.status_code == 204, "the client has the last event"


@pytest.mark.parametrize("term", HOSTILE)
async def test_a_term_is_text_everywhere(shown: World, term: str) -> None:
    named = warmup(job(READY))
    named.term_a = term
    shown.reply(GetWarmup=named, GetComparison=detail((term, "costco")))
    html = page(await shown.client.get(PATH))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert escape(term) in html
    rows = list(csv.reader(io.StringIO((await shown.client.get(f"{PATH}/data.csv")).text.lstrip("\ufeff"))))
    assert rows[0][2] == (f"'{term}" if term.startswith("=") else term)
    assert {len(row) for row in rows[1:]} == {4, len(rows[0])}
