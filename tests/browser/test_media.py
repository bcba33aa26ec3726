"""Other ways to read the page: without scripts, dark, printed, narrow, by touch, as a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenSite
from tests.browser.harness.accessibility import NARROW, check_width
from tests.browser.harness.sample import PATH
from tests.browser.harness.site import Site, expect_state
from tests.browser.harness.states import STATES

SMALL_TARGETS = """() => [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden])")]
  .filter((each) => each.getClientRects().length && !each.closest(".skip, p, li p, caption"))
  .map((each) => [each.textContent.trim(), (each.closest("label") ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
# The second click comes while the button still says what the first one did.
CLICK_TWICE = """() => new Promise((resolve) => {
  const button = document.getElementById("share");
  let changes = 0;
  new MutationObserver(() => {
    changes += 1;
    if (changes === 1) button.click();
    else resolve();
  }).observe(button, { childList: true });
  button.click();
})"""
PNG = b"\x89PNG\r\n\x1a\n"


async def test_without_scripts_the_page_is_complete(open_site: OpenSite) -> None:
    async with open_site({"java_script_enabled": False}) as site:
        page = await site.open()
        await expect(page.get_by_text("78 of 100", exact=True)).to_be_visible()
        await expect(page.locator("#state")).to_contain_text("Forecast ready")
        await expect(page.locator("time").first).to_contain_text("UTC")
        assert await page.get_by_role("img").count() == 4
        for name in ("Share", "PNG"):
            await expect(page.locator(f"#{name.lower()}")).to_be_hidden()
        await page.get_by_text("Show the numbers as a table").click()
        await expect(page.get_by_role("table", name="Forecast, in points")).to_be_visible()


async def test_without_scripts_a_failed_forecast_is_retried(open_site: OpenSite) -> None:
    async with open_site({"java_script_enabled": False}) as site:
        STATES["failed"][1](site.world)
        page = await site.open(f"/login?next={PATH}")
        await site.log_in(page)
        await page.get_by_role("button", name="Try again now").click()
        await page.wait_for_url(f"**{PATH}")
        assert len(site.world.jobs.calls["TriggerWarmup"]) == 1


async def test_dark_follows_the_system(site: Site) -> None:
    page = await site.open()
    colour = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    light = await page.evaluate(colour)
    await page.emulate_media(color_scheme="dark")
    assert await page.evaluate(colour) != light


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 2560])
async def test_no_width_scrolls_sideways(site: Site, width: int) -> None:
    page = await site.open()
    await page.set_viewport_size({"width": width, "height": 800})
    await page.get_by_text("Show the numbers as a table").click()
    await check_width(page)


async def test_a_phone_shows_the_recent_past_and_all_on_request(open_site: OpenSite) -> None:
    async with open_site({"viewport": NARROW, "has_touch": True}) as site:
        page = await site.open()
        recent, everything = page.locator("#chart-narrow"), page.locator("#chart-all")
        await expect(recent).to_be_visible()
        await expect(everything).to_be_hidden()
        await page.get_by_text("Show all of the past").click()
        await expect(everything).to_be_visible()
        await recent.locator("xpath=..").tap(position={"x": 150, "y": 120})
        await expect(page.locator(".readout")).to_be_visible()
        await expect(recent.locator(".crosshair")).to_have_count(1)
        await check_width(page)


async def test_a_touch_reads_the_chart_that_is_touched(open_site: OpenSite) -> None:
    async with open_site({"viewport": NARROW, "has_touch": True}) as site:
        page = await site.open()
        await page.get_by_text("Show all of the past").click()
        everything, readout = page.locator("#chart-all"), page.locator(".readout")
        await everything.scroll_into_view_if_needed()
        drawn = await everything.bounding_box()
        assert drawn
        await page.touchscreen.tap(drawn["x"] + 40, drawn["y"] + 120)
        await expect(readout).to_contain_text("2022")
        await expect(everything.locator(".crosshair")).to_have_count(1)
        chart, box = await everything.bounding_box(), await readout.bounding_box()
        assert chart
        assert box
        assert chart["y"] <= box["y"] <= chart["y"] + chart["height"]
        await page.locator("[data-chart]").focus()
        await page.keyboard.press("Home")
        await expect(page.locator("#announcer")).to_contain_text("28 November 2021")


async def test_targets_are_at_least_24_px(open_site: OpenSite) -> None:
    async with open_site({"viewport": NARROW}) as site:
        page = await site.open()
        small = await page.evaluate(SMALL_TARGETS)
        assert not small


async def test_print_shows_charts_and_no_controls(site: Site) -> None:
    page = await site.open()
    await page.emulate_media(media="print")
    for hidden in (".top", ".actions", "summary"):
        await expect(page.locator(hidden).first).to_be_hidden()
    assert await page.get_by_role("img").count() == 4
    pdf = await page.pdf(format="A4")
    assert 1 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") <= 4


@pytest.mark.parametrize("slug", ["amazon-vs-costco", "amazon-vs-قهوة"])
async def test_a_picture_of_the_chart_is_saved(site: Site, tmp_path: Path, slug: str) -> None:
    page = await site.open(f"/compare/{slug}?tf=5y")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="PNG").click()
    saved = await started.value
    assert saved.suggested_filename == f"{slug}.png"
    await saved.save_as(tmp_path / "chart.png")
    content = (tmp_path / "chart.png").read_bytes()
    assert content.startswith(PNG)
    assert len(content) > 20_000, "the picture is empty"


async def test_the_picture_of_a_phone_has_each_chart_once(open_site: OpenSite, tmp_path: Path) -> None:
    async with open_site({"viewport": NARROW}) as site:
        page = await site.open()
        sizes = []
        for name in ("recent.png", "all.png"):
            async with page.expect_download() as started:
                await page.get_by_role("button", name="PNG").click()
            await (await started.value).save_as(tmp_path / name)
            sizes.append((tmp_path / name).read_bytes()[16:24])  # width and height
            await page.get_by_text("Show all of the past").click()
        assert sizes[0] == sizes[1]


async def test_the_link_is_copied(open_site: OpenSite) -> None:
    async with open_site({"permissions": ["clipboard-read", "clipboard-write"]}) as site:
        page = await site.open()
        await page.get_by_role("button", name="Share").click()
        await expect(page.locator("#announcer")).to_have_text("Link copied")
        copied: Any = await page.evaluate("navigator.clipboard.readText()")
        assert copied == site.origin + PATH


async def test_a_button_has_its_name_back_after_two_clicks(open_site: OpenSite) -> None:
    async with open_site({"permissions": ["clipboard-read", "clipboard-write"]}) as site:
        page = await site.open()
        await page.clock.install()
        await page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
        await page.evaluate(CLICK_TWICE)
        await expect(page.locator("#share")).to_have_text("Link copied")
        await page.clock.run_for(10_000)
        await expect(page.locator("#share")).to_have_text("Share")


async def test_without_a_clipboard_there_is_no_share_button(site: Site) -> None:
    await site.context.add_init_script(
        "for (const each of ['clipboard', 'canShare'])"
        " Object.defineProperty(Navigator.prototype, each, { value: undefined });"
    )
    page = await site.open()
    await expect(page.get_by_role("button", name="PNG")).to_be_visible()
    await expect(page.locator("#share")).to_have_count(0)


async def test_the_back_button_returns_to_the_page(site: Site) -> None:
    page = await site.open()
    await page.get_by_role("link", name="Log in").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.go_back()
    await expect_state(page, "ready")
    await expect(page.get_by_role("button", name="Share")).to_be_visible()
