"""The page of a comparison in each of its states."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from unittest.mock import Mock

import pytest
from pydantic import SecretStr
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from services.gateway.pages.comparison.view import build_view
from tests.integration.gateway.conftest import SECRET, OpenWorld, World
from tests.integration.gateway.data import (
    FAILED,
    MISSING,
    OLDER_HASH,
    QUEUED,
    READY,
    RUNNING,
    STALE,
    cached,
    forecasts,
    job,
    moment,
    warmup,
)
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page
from tests.integration.gateway.pages.series import detail

PATH = "/compare/amazon-vs-costco"
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\u202eevil", "x" * 200, "=1+1")


@pytest.fixture
def shown(world: World) -> World:
    """A gateway with one comparison whose forecasts are ready."""
    world.reply(GetComparison=detail())
    return world


def state(html: str) -> str:
    found = re.search(r'data-state="([a-z]+)"', html)
    assert found
    return found[1]


def settled(html: str) -> bool:
    return "data-settled" in html


def enqueued(**more: Any) -> jobs_pb2.EnqueueWarmupResponse:
    return jobs_pb2.EnqueueWarmupResponse(job=job(QUEUED, version=8), enqueued=True, **more)


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


async def test_a_cold_page_shows_the_history_and_enqueues(shown: World) -> None:
    shown.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)))
    shown.reply(EnqueueWarmup=enqueued(queue_position=3, eta_seconds=4.2))
    html = page(await shown.client.get(PATH))
    assert (state(html), settled(html)) == ("queued", False)
    assert "3rd in line, about 4 s." in html
    assert "62 to 55" in html
    assert "Appears with the forecast." in html


async def test_without_scripts_a_page_is_loaded_again_until_its_forecast_is_there(shown: World) -> None:
    again = '<noscript><meta http-equiv="refresh" content="10"></noscript>'
    shown.reply(GetWarmup=warmup(job(RUNNING)), GetForecasts=forecasts(cached(MISSING)))
    assert again in page(await shown.client.get(PATH))
    shown.reply(GetWarmup=warmup(job(READY)), GetForecasts=forecasts(cached()))
    assert again not in page(await shown.client.get(PATH))


async def test_an_unknown_wait_says_so(shown: World) -> None:
    shown.reply(GetWarmup=warmup(job(QUEUED), queue_position=1), GetForecasts=forecasts(cached(MISSING)))
    assert "Next in line; how long it takes is not known yet." in page(await shown.client.get(PATH))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"User-Agent": "LinkPreview"},
    ],
)
async def test_crawlers_and_prefetches_do_not_enqueue(shown: World, headers: dict[str, str]) -> None:
    shown.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)))
    html = page(await shown.client.get(PATH, headers=headers))
    assert (state(html), settled(html)) == ("cold", False), "a prefetched page is followed once it is shown"
    assert (await shown.client.get(f"{PATH}/events", headers=headers)).status_code == 204
    for path in (PATH, f"{PATH}/events"):
        await shown.client.head(path)
    assert not shown.jobs.calls["EnqueueWarmup"]


async def test_a_running_page_says_since_when_and_which_attempt(shown: World) -> None:
    row = job(RUNNING)
    row.attempts = 2
    row.started_at.CopyFrom(moment("2026-01-01T10:00:00"))
    shown.reply(GetWarmup=warmup(row), GetForecasts=forecasts(cached(MISSING)))
    html = page(await shown.client.get(PATH))
    assert (state(html), settled(html)) == ("running", False)
    assert "2nd attempt" in html
    assert '<time datetime="2026-01-01T10:00:00+00:00"' in html


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("unwarmable: costco: value 3 is 120", "The series cannot be forecast (costco: value 3 is 120)."),
        ("unavailable: 10.0.0.7 refused", "The forecaster was not available."),
        ("boom at /srv/x.py", "The computation failed."),
    ],
)
async def test_a_failed_page_names_the_cause_and_the_next_try(shown: World, error: str, words: str) -> None:
    row = job(FAILED, last_error=error)
    shown.reply(GetWarmup=warmup(row, cooling_down=True, cooldown_seconds=240))
    shown.reply(GetForecasts=forecasts(cached(MISSING)))
    html = page(await shown.client.get(PATH))
    assert (state(html), settled(html)) == ("failed", True)
    assert f"{words} It can start again in 4 min." in html
    assert "10.0.0.7" not in html
    assert "/srv/" not in html
    assert "Log in" in html


async def test_an_operator_starts_a_failed_forecast_again(shown: World) -> None:
    shown.reply(GetWarmup=warmup(job(FAILED, last_error="x: y")), GetForecasts=forecasts(cached(MISSING)))
    await log_in(shown.client)
    html = page(await shown.client.get(PATH))
    found = re.search(r'formaction="(/compare/[^"]+/retry[^"]*)"', html)
    assert found
    target = found[1].replace("&amp;", "&")
    refused = await shown.client.post(target, data={"token": "wrong"}, headers=SAME_SITE)
    assert refused.status_code == 403
    response = await shown.client.post(target, data={"token": form_token(html)}, headers=SAME_SITE)
    assert (response.status_code, response.headers["location"]) == (303, f"{PATH}?tf=12m")
    call = shown.jobs.only("TriggerWarmup")
    assert call.metadata["x-warmup-secret"] == SECRET


async def test_without_a_login_nothing_starts_again(shown: World) -> None:
    response = await shown.client.post(f"{PATH}/retry?tf=12m", data={"token": ""}, headers=SAME_SITE)
    html = page(response, 401)
    assert errors.UNAUTHENTICATED.title in html
    assert f'href="/login?next={PATH}%3Ftf%3D12m"' in html, "the login leads back to the page of the button"
    assert not shown.jobs.calls["TriggerWarmup"]


async def test_a_stale_page_says_that_a_new_forecast_is_computed(shown: World) -> None:
    shown.reply(GetWarmup=warmup(job(RUNNING)), GetForecasts=forecasts(cached(STALE)))
    html = page(await shown.client.get(PATH))
    assert (state(html), settled(html)) == ("stale", False)
    assert "A new forecast is being computed." in html


async def test_forecasts_of_the_previous_snapshot_say_so(shown: World) -> None:
    previous = warmup(job(QUEUED), previous_data_hash=OLDER_HASH)
    shown.reply(GetWarmup=previous, GetForecasts=forecasts(cached(MISSING), cached(data_hash=OLDER_HASH)))
    html = page(await shown.client.get(PATH))
    assert (state(html), settled(html)) == ("stale", False)
    assert "The data are newer than this forecast" in html


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


async def test_during_an_outage_a_copy_is_shown(shown: World) -> None:
    page(await shown.client.get(PATH))
    outage = WarmcastError(errors.UNAVAILABLE, "down")
    shown.reply(GetWarmup=outage, GetComparison=outage, GetTrustStats=outage)
    html = page(await shown.client.get(PATH))
    assert state(html) == "stale"


async def test_without_a_copy_an_outage_is_a_page(shown: World) -> None:
    shown.reply(GetWarmup=WarmcastError(errors.UNAVAILABLE, "down", retry_after=7))
    response = await shown.client.get(PATH)
    assert "Try again in 7 seconds." in page(response, 503)
    assert response.headers["retry-after"] == "7"


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
