"""Many tabs of one comparison share one event stream; a hidden tab has none."""

from __future__ import annotations

import asyncio
from functools import partial
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page

from tests.browser.harness.sample import ready
from tests.browser.harness.site import Site, expect_state
from tests.browser.harness.states import STATES
from tests.integration.gateway.data import HASH, READY, RUNNING, job
from tests.waiting import wait_until_async

# Headless Chromium never hides a tab, so the test does: by the property, then the event.
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def queued(site: Site, number: int) -> list[Page]:
    """So many tabs of a queued forecast."""
    STATES["queued"][1](site.world)
    pages = [await site.open() for _ in range(number)]
    for page in pages:
        await expect_state(page, "queued")
    return pages


async def fetched(site: Site) -> bool:
    """Whether a fragment was fetched, as after each event."""
    return site.requests.all[site.events.replace("events", "fragment")] > 0


async def test_eight_tabs_share_one_stream(site: Site) -> None:
    pages = await queued(site, 8)
    await site.streams(1)
    site.move(job(RUNNING, version=9))
    await asyncio.gather(*(expect_state(page, "running") for page in pages))
    assert site.requests.all[site.events] == 1
    site.move(job(READY, version=10), ready())
    await asyncio.gather(*(expect_state(page, "ready") for page in pages))
    await site.streams(0)


async def test_another_tab_takes_over_the_stream(site: Site) -> None:
    first, second = await queued(site, 2)
    await site.streams(1)
    await first.close()
    await site.streams(1)
    site.move(job(READY, version=9), ready())
    await expect_state(second, "ready")


async def test_a_hidden_tab_closes_its_stream_and_catches_up(site: Site) -> None:
    [page] = await queued(site, 1)
    await site.streams(1)
    await wait_until_async(partial(fetched, site), 30, "the first event arrived")
    await page.evaluate(HIDE, True)
    await site.streams(0)
    site.move(job(RUNNING, version=9))
    async with page.expect_request("**/events?*") as resumed:
        await page.evaluate(HIDE, False)
    after = parse_qs(urlsplit((await resumed.value).url).query)["after"]
    assert after == [f"{HASH}-7-queued"], "the last event before it was hidden"
    await expect_state(page, "running")
    await site.streams(1)
    site.move(job(READY, version=10), ready())
    await expect_state(page, "ready")
    await site.streams(0)
