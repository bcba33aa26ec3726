"""/docs in a browser: forms that send requests, and the page without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect
from pydantic import SecretStr

from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.browser.conftest import OpenSite
from tests.browser.harness.accessibility import check_page
from tests.browser.harness.sample import SLUG, TIMEFRAME
from tests.browser.harness.site import Site
from tests.integration.gateway.conftest import SECRET

PREMIUM = "GET /api/comparison/premium"


def section(page: Page, route: str) -> Locator:
    return page.get_by_role("region", name=route, exact=True)


async def open_form(page: Page, route: str) -> Locator:
    """The form of a route, after its button was pressed by keyboard."""
    button = section(page, route).get_by_role("button", name="Try it")
    await button.press("Enter")
    await expect(button).to_have_attribute("aria-expanded", "true")
    return page.get_by_role("form", name=route, exact=True)


async def test_a_route_is_tried_by_keyboard(site: Site) -> None:
    page = await site.open("/docs")
    form = await open_form(page, PREMIUM)
    await expect(form.get_by_label("slug")).to_be_focused()
    await form.get_by_label("slug").fill(SLUG)
    await form.get_by_label("tf").select_option(TIMEFRAME)
    await form.get_by_label("slug").press("Enter")
    await expect(form.get_by_role("status")).to_have_text(re.compile(r"^200 OK, \d+ ms, [\d,]+ bytes$"))
    await expect(form.locator("[data-headers]")).to_contain_text("etag")
    await expect(form.locator("[data-body]")).to_contain_text(f'"slug": "{SLUG}"')
    await check_page(site, page)


@pytest.mark.parametrize("value", ["<img src=x onerror=alert(1)>", "../../docs?#", "{{7*7}}", "\u202e \"'&"])
async def test_a_hostile_value_stays_text(site: Site, value: str) -> None:
    site.watch.expected_statuses |= {400, 404}
    page = await site.open("/docs")
    form = await open_form(page, "GET /api/comparisons/{slug}")
    await form.get_by_label("slug").fill(value)
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("status")).to_have_text(re.compile(r"^40[04] "))
    assert await form.locator("[data-body]").evaluate("(body) => body.children.length") == 0
    assert await page.locator("main img").count() == 0


async def test_a_refused_header_value_is_reported(site: Site) -> None:
    page = await site.open("/docs")
    form = await open_form(page, "GET /api/forecast/trust-stats")
    await form.get_by_label("If-None-Match").fill("☃")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("status")).to_contain_text("Not sent, or no answer: ")


async def test_the_login_does_not_apply_but_a_key_does(open_site: OpenSite) -> None:
    key, entry = new_api_key("shop", Rate(1_000, 1))
    async with open_site(api_keys=SecretStr(entry.entry())) as site:
        site.watch.expected_statuses.add(401)
        page = await site.open("/login?next=/docs")
        await site.log_in(page)
        form = await open_form(page, PREMIUM)
        await form.get_by_label("slug").fill(SLUG)
        await form.get_by_role("button", name="Send").click()
        await expect(form.get_by_role("status")).to_contain_text("401")
        await form.get_by_label("X-API-Key").fill(key)
        await form.get_by_role("button", name="Send").click()
        await expect(form.get_by_role("status")).to_contain_text("200")
        await page.reload()
        await expect((await open_form(page, PREMIUM)).get_by_label("X-API-Key")).to_have_value("")


async def test_a_guarded_route_is_sent_with_the_secret(site: Site) -> None:
    site.watch.expected_statuses.add(401)
    page = await site.open("/docs")
    form = await open_form(page, "GET /api/jobs")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("status")).to_contain_text("401")
    await form.get_by_label("X-Warmup-Secret").fill(SECRET)
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("status")).to_contain_text("200")


async def test_curl_commands_name_this_host(site: Site) -> None:
    page = await site.open("/docs")
    await expect(section(page, PREMIUM).locator("[data-curl]")).to_contain_text(f'curl "{site.origin}/api/')


async def test_without_scripts_no_button_is_shown(open_site: OpenSite) -> None:
    async with open_site({"java_script_enabled": False}) as site:
        page = await site.open("/docs")
        await expect(section(page, PREMIUM).locator("[data-curl]")).to_be_visible()
        assert await page.get_by_role("main").get_by_role("button").count() == 0


async def test_the_type_of_a_problem_leads_to_its_explanation(site: Site) -> None:
    page = await site.open("/docs#not-found")
    await expect(page.locator("#not-found")).to_be_in_viewport()
