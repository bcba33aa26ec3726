"""Moments: in UTC for all, and with their age and in the reader's locale where scripts run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenSite
from tests.browser.harness.accessibility import NARROW
from tests.browser.harness.sample import held, ready
from tests.browser.test_live import RECORD_SHIFTS
from tests.integration.gateway.pages.test_listing import listed, summary

TOKYO = {"locale": "de-DE", "timezone_id": "Asia/Tokyo"}
BOXES = """() => [...document.querySelectorAll("main p, main h2, main .card, main time, main svg")]
  .map((each) => each.getBoundingClientRect())
  .map((box) => [box.x, box.y, box.width, box.height].map(Math.round))"""
WITHOUT_IDLE = "delete window.requestIdleCallback"
# The page is idle once a test says so.
IDLE_ON_REQUEST = "window.requestIdleCallback = (work) => { window.becomeIdle = work; }"


async def moment_of(page: Page, place: str) -> datetime:
    """The moment of a `<time>`."""
    written = await page.locator(f"{place} [data-here]").get_attribute("datetime")
    return datetime.fromisoformat(written or "").astimezone(UTC)


@pytest.mark.parametrize("script", ["", WITHOUT_IDLE], ids=["idle", "timer"])
async def test_a_moment_is_shown_in_utc_with_its_age_and_in_the_readers_locale(
    open_site: OpenSite, script: str
) -> None:
    async with open_site(TOKYO) as site:
        await site.context.add_init_script(script)
        site.world.reply(GetForecasts=held(ready(age=7_500)))
        page = await site.open()
        moment = await moment_of(page, "#state")
        there = moment + timedelta(hours=9)
        await expect(page.locator("#state time").first).to_have_text(f"{moment.day} {moment:%B %Y}, {moment:%H:%M} UTC")
        await expect(page.locator("#state [data-here]")).to_have_text(
            re.compile(rf"^\(2 hours ago · {there.day}\. \w+\.?,? (um )?{there:%H:%M} (MEZ|GMT)\+9\)$")
        )
        await expect(page.locator("#state [data-here] bdi")).to_have_attribute("lang", "de-DE")


async def test_without_scripts_the_absolute_time_stands_alone(open_site: OpenSite) -> None:
    async with open_site({**TOKYO, "java_script_enabled": False}) as site:
        page = await site.open()
        await expect(page.locator("#state time").first).to_contain_text("UTC")
        await expect(page.locator("#state [data-here]")).to_be_hidden()


@pytest.mark.parametrize("path", ["/", "/compare/amazon-vs-costco?tf=5y"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 720}, {"width": 768, "height": 1000}, NARROW])
async def test_no_time_moves_anything(open_site: OpenSite, path: str, viewport: dict[str, int]) -> None:
    async with open_site({**TOKYO, "viewport": viewport}) as site:
        await site.context.add_init_script(IDLE_ON_REQUEST)
        # Without its module, the page stays as it was sent.
        await site.context.route("**/assets/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        site.world.reply(SearchComparisons=listed(*(summary((f"tea {n}", "milk")) for n in range(6))))
        sent = await (await site.open(path)).evaluate(BOXES)
        await site.context.unroute("**/assets/*.js")
        page = await site.open(path)
        await page.evaluate(RECORD_SHIFTS)
        await expect(page.locator("[data-here]").first).to_have_text(re.compile(r"ago\)$"))
        assert await page.evaluate(BOXES) == sent
        await page.evaluate("window.becomeIdle()")
        await expect(page.locator("[data-here]").first).to_have_text(re.compile(r"\+9\)$"))
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate(BOXES) == sent
        assert await page.evaluate("window.shifts") == []
