"""Each state of a comparison's page, and each other page, opens without a fault and is accessible."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from pydantic import SecretStr

from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.browser.conftest import OpenSite
from tests.browser.harness import states
from tests.browser.harness.accessibility import check_page
from tests.browser.harness.sample import PATH
from tests.browser.harness.site import Site, expect_state
from tests.browser.harness.states import HEADERS, STATES


@pytest.mark.parametrize("name", STATES)
async def test_a_state_is_accessible(open_site: OpenSite, name: str) -> None:
    state, prepare = STATES[name]
    async with open_site({"extra_http_headers": HEADERS.get(name, {})}) as site:
        prepare(site.world)
        page = await site.open()
        await expect_state(page, state)
        await check_page(site, page)


async def test_a_copy_during_an_outage(site: Site) -> None:
    await expect_state(await site.open(), "ready")
    states.outage(site.world)
    page = await site.open()
    await expect_state(page, "stale")
    await expect(page.get_by_text("when the service is available again")).to_be_visible()
    await check_page(site, page)


@pytest.mark.parametrize(
    ("prepare", "status", "words"),
    [(states.outage, 503, "Try again in 7 seconds."), (states.unknown, 404, "There is no such comparison")],
)
async def test_an_error_is_an_accessible_page(site: Site, prepare: states.Prepare, status: int, words: str) -> None:
    site.watch.expected_statuses.add(status)
    prepare(site.world)
    page = await site.open()
    await expect(page.get_by_text(words)).to_be_visible()
    await check_page(site, page)


async def test_a_too_large_form_is_refused_by_an_accessible_page(open_site: OpenSite) -> None:
    async with open_site(max_body_bytes=2_000) as site:
        site.watch.expected_statuses.add(413)
        page = await site.open("/login")
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("secret").evaluate("(input) => { input.value = 'x'.repeat(3000); }")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("heading", name="The request is too large")).to_be_visible()
        await check_page(site, page)


async def test_a_page_that_needs_a_key_leads_to_the_login_and_back(open_site: OpenSite) -> None:
    key, entry = new_api_key("shop", Rate(1_000, 1))
    async with open_site(api_keys=SecretStr(entry.entry())) as site:
        site.watch.expected_statuses.add(401)
        page = await site.open()
        await page.get_by_role("main").get_by_role("link", name="Log in").click()
        await check_page(site, page)
        await site.log_in(page, key)
        await page.wait_for_url(f"**{PATH}")
        await expect_state(page, "ready")
        await expect(page.get_by_text("Ada (read-only)")).to_be_visible()


async def test_charts_are_named_images_for_screen_readers(site: Site) -> None:
    page = await site.open()
    snapshot = await page.get_by_role("main").aria_snapshot()
    images = [line.strip() for line in snapshot.splitlines() if "img" in line]
    begins = (
        '- img "amazon leads in 16 of 20 simulated futures"',
        "- 'img \"Search interest in amazon and costco, with forecast",
        "- 'img \"Margin of costco over amazon",
        "- 'img \"Season of amazon and costco",
    )
    for image, begin in zip(images, begins, strict=True):
        assert image.startswith(begin)
