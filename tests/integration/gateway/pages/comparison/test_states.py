"""The page of a comparison while its forecast is computed, failed or old, and during outages."""

from __future__ import annotations

import re

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import SECRET, World
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
from tests.integration.gateway.pages.comparison.answers import PATH, enqueued, settled, state


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
