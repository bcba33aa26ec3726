"""The comparison page by keyboard alone."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.harness.sample import PATH
from tests.browser.harness.site import Site

FOCUSED = """() => { const each = document.activeElement;
  const words = each.getAttribute("aria-label") || each.labels?.[0]?.textContent || each.textContent;
  return words.trim().split("\\n")[0]; }"""
OBSCURED = """() => { const box = document.activeElement.getBoundingClientRect();
  const outline = getComputedStyle(document.activeElement).outlineStyle;
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return { inside: box.width > 0 && box.bottom > 0 && box.top < innerHeight, outline,
    covered: !(top && (document.activeElement.contains(top) || top.contains(document.activeElement))) }; }"""


async def tab_through(page: Page) -> list[str]:
    """The names of everything that Tab reaches on the page, each visible and with an outline."""
    names: list[str] = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement === document.body"):
            return names
        names.append(await page.evaluate(FOCUSED))
        seen = await page.evaluate(OBSCURED)
        assert seen["inside"], names[-1]
        assert seen["outline"] != "none", names[-1]
        assert not seen["covered"], names[-1]
    raise AssertionError(f"Tab does not leave the page: {names}")


async def test_tab_reaches_everything_in_reading_order(site: Site) -> None:
    page = await site.open()
    names = await tab_through(page)
    assert names == [
        "Skip to the content",
        "Warmcast",
        "Find a comparison",
        "Comparisons",
        "Import",
        "API",
        "Log in",
        "Share",
        "CSV",
        "PNG",
        "JSON",
        "Chart: arrow keys read the values",
        "Show the numbers as a table",
        *["Numbers"] * 4,
    ]


async def test_the_skip_link_leads_to_the_content(site: Site) -> None:
    page = await site.open()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Share")).to_be_focused()


async def test_arrow_keys_read_the_chart_aloud(site: Site) -> None:
    page = await site.open()
    chart, announcer = page.locator("[data-chart]"), page.locator("#announcer")
    await chart.focus()
    await page.keyboard.press("End")
    last = await announcer.text_content()
    assert last
    assert "amazon 57, 8 of 10: 46 to 68; costco 51, 8 of 10: 40 to 62" in last
    await expect(page.locator(".readout")).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await expect(announcer).not_to_have_text(last)
    await page.keyboard.press("Home")
    await expect(announcer).to_contain_text("28 November 2021")
    await page.keyboard.press("PageDown")
    await expect(announcer).to_contain_text("6 February 2022")
    await page.keyboard.press("Escape")
    await expect(page.locator(".readout, .crosshair")).to_have_count(0)
    await expect(chart).to_be_focused()


async def test_home_is_the_first_value_from_the_start(site: Site) -> None:
    page = await site.open()
    await page.locator("[data-chart]").focus()
    await page.keyboard.press("Home")
    await expect(page.locator("#announcer")).to_contain_text("28 November 2021")


async def test_the_chart_leaves_the_browsers_keys_alone(site: Site) -> None:
    page = await site.open("/docs")
    await page.goto(site.origin + PATH)
    await page.locator("[data-chart]").focus()
    await page.evaluate("addEventListener('keydown', (event) => { window.prevented = event.defaultPrevented; })")
    for keys in ("Alt+ArrowLeft", "Control+End", "Meta+ArrowRight", "End"):
        await page.locator("[data-chart]").dispatch_event("keydown", event_of(keys))
        assert await page.evaluate("window.prevented") is (keys == "End"), keys


def event_of(keys: str) -> dict[str, object]:
    """The event of a key with a modifier, which does not leave the page as the key would."""
    *modifiers, key = keys.split("+")
    held = {f"{each.lower().replace('control', 'ctrl')}Key": True for each in modifiers}
    return {"key": key, "bubbles": True, "cancelable": True, **held}


async def test_details_open_by_keyboard(site: Site) -> None:
    page = await site.open()
    summary = page.get_by_text("Show the numbers as a table")
    await summary.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("table", name="Forecast, in points")).to_be_visible()
