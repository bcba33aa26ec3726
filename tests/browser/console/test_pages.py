"""Each page of the console: accessible, as wide as its screen, complete without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect
from pydantic import SecretStr

from tests.browser.conftest import OpenSite
from tests.browser.console.conftest import READ_SECRET, OpenConsole
from tests.browser.harness.accessibility import check_page, check_width
from tests.browser.harness.console import PATHS, console
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.browser.test_media import SMALL_TARGETS

EMPTY = ("/ops/jobs", "/ops/comparisons", "/ops/track-record", "/ops/audit")


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_accessible(site: Site, queue: JobQueue, open_console: OpenConsole, path: str) -> None:
    page = await open_console(path)
    await expect(page.locator("h1")).to_be_visible()
    await check_page(site, page)


@pytest.mark.parametrize("path", ["/ops/jobs", "/ops/jobs/1", "/ops/comparisons"])
async def test_a_page_is_accessible_to_a_reader(
    site: Site, queue: JobQueue, open_console: OpenConsole, path: str
) -> None:
    page = await open_console(path, READ_SECRET)
    await check_page(site, page)


@pytest.mark.parametrize("path", EMPTY)
async def test_an_empty_page_is_accessible(site: Site, open_console: OpenConsole, path: str) -> None:
    page = await open_console(path)
    await expect(page.get_by_role("heading", level=2).last).to_be_visible()
    await check_page(site, page)


@pytest.mark.parametrize("path", PATHS)
async def test_no_width_scrolls_sideways_and_targets_are_at_least_24_px(
    site: Site, queue: JobQueue, open_console: OpenConsole, path: str
) -> None:
    page = await open_console(path)
    for width in (320, 360, 768, 1280, 2560):
        await page.set_viewport_size({"width": width, "height": 800})
        await check_width(page)
    assert await page.evaluate(SMALL_TARGETS) == []


@pytest.mark.parametrize("path", ["/ops/jobs", "/ops/jobs/1", "/ops/comparisons", "/ops/audit"])
async def test_a_list_fits_a_phone(queue: JobQueue, open_console: OpenConsole, path: str) -> None:
    page = await open_console(path)
    widths = "lists => lists.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)"
    for width in (320, 360, 768):
        await page.set_viewport_size({"width": width, "height": 800})
        beyond = await page.locator(".list").evaluate_all(widths)
        assert beyond
        assert max(beyond) <= 0, width


@pytest.mark.parametrize("path", PATHS)
async def test_without_scripts_a_page_is_complete(open_site: OpenSite, path: str) -> None:
    settings: dict[str, Any] = {"operator_read_secret": SecretStr(READ_SECRET)}
    async with open_site({"java_script_enabled": False}, **settings) as site:
        console(site.world)
        page = await site.open(f"/login?next={path}")
        await site.log_in(page)
        assert page.url == site.origin + path
        await expect(page.get_by_role("navigation", name="Operations").get_by_role("link")).to_have_count(5)
        await expect(page.locator("main")).to_contain_text("UTC")
        await check_width(page)


async def test_a_page_without_a_login_leads_to_it_and_back(site: Site, queue: JobQueue) -> None:
    page = await site.open("/ops/jobs?status=failed")
    await site.log_in(page)
    assert page.url == f"{site.origin}/ops/jobs?status=failed"
    await expect(page.get_by_label("Status")).to_have_value("failed")


@pytest.mark.parametrize("path", ["/ops/jobs", "/ops/comparisons", "/ops/track-record", "/ops/audit"])
async def test_a_list_is_saved_as_csv(queue: JobQueue, open_console: OpenConsole, path: str) -> None:
    page = await open_console(path)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="CSV").last.click()
    saved = await started.value
    assert saved.suggested_filename == f"{path.removeprefix('/ops/')}.csv"
    assert (await saved.path()).stat().st_size > 300
