"""The list of comparisons in a browser: cards, search, pages, empty states."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.harness.accessibility import check_page
from tests.browser.harness.site import Site
from tests.integration.gateway.data import QUEUED
from tests.integration.gateway.pages.imports import read_pair
from tests.integration.gateway.pages.test_listing import HOSTILE, listed, summary


async def test_a_card_opens_its_comparison(site: Site) -> None:
    site.world.reply(SearchComparisons=listed(summary(), summary(("tea", "milk"), status=QUEUED)))
    page = await site.open("/")
    await expect(page.get_by_role("img", name="amazon")).to_be_visible()
    await expect(page.locator(".card").first).to_contain_text("ago")
    await check_page(site, page)
    await page.get_by_role("link", name="amazon vs costco").click()
    await page.wait_for_url("**/compare/amazon-vs-costco?tf=12m&geo=US")


async def test_a_search_and_its_next_page_by_keyboard(site: Site) -> None:
    site.world.reply(SearchComparisons=listed(summary(), token="next"))
    page = await site.open("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.get_by_role("searchbox").focus()
    await page.keyboard.type("co")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/?q=co")
    await expect(page.get_by_role("searchbox")).to_have_value("co")
    await check_page(site, page)
    await page.get_by_role("link", name="Next page").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/?q=co&cursor=next")
    await page.go_back()
    await page.wait_for_url("**/?q=co")


@pytest.mark.parametrize(
    ("path", "heading"), [("/", "Start with two search terms"), ("/?q=x", "Nothing found for “x”")]
)
async def test_an_empty_list_says_what_to_do(site: Site, path: str, heading: str) -> None:
    site.world.reply(SearchComparisons=listed())
    page = await site.open(path)
    await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    await check_page(site, page)


async def test_a_reader_of_an_empty_list_logs_in_and_opens_the_sample(site: Site) -> None:
    site.world.reply(SearchComparisons=listed(), IngestSnapshot=read_pair().snapshot)
    page = await site.open("/")
    await page.get_by_role("main").get_by_role("link", name="Log in").click()
    await site.log_in(page)
    await check_page(site, page)
    await page.get_by_role("button", name="Open a sample").click()
    await page.wait_for_url("**/compare/amazon-vs-costco?tf=12m")


async def test_terms_are_text_and_fit(site: Site) -> None:
    site.world.reply(SearchComparisons=listed(*(summary((term, "costco"), leader="termA") for term in HOSTILE)))
    page = await site.open("/")
    for term in HOSTILE:
        await expect(page.get_by_role("heading", name=term)).to_be_visible()
    await check_page(site, page)
