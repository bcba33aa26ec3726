"""Checks a page's accessibility: rules of axe, names of charts, and its width."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, ViewportSize

from tests.browser.harness.site import Site

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OPTIONS = {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}
_RUN = "async (options) => (await axe.run(options)).violations"
_WIDER = """() => [...document.querySelectorAll("main *, header *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest("#numbers, .hidden, .skip"))
  .map((each) => `${each.tagName}.${each.getAttribute("class")}`)"""
_NEXT_TASK = "() => new Promise((done) => setTimeout(done))"
_CHARTS = """() => [...document.querySelectorAll("svg")].filter((svg) => svg.getClientRects().length)
  .filter((svg) => svg.getAttribute("aria-hidden") !== "true")
  .map((svg) => [svg.getAttribute("role"), svg.getAttribute("aria-label") ?? (svg.getAttribute("aria-labelledby") ?? "")
    .split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim()])"""
NARROW: ViewportSize = {"width": 360, "height": 740}


async def check_page(site: Site, page: Page) -> None:
    """Fails for what axe finds in light, dark and at 360 px, for charts without names, and for horizontal scrolling."""
    await check_charts(page)
    site.watch.check()
    # axe adds a style element, which the policy of pages refuses.
    with site.watch.paused():
        await page.evaluate(AXE_SCRIPT)
        await check_axe(page, "light")
        await page.emulate_media(color_scheme="dark")
        await check_axe(page, "dark")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(NARROW)
        await check_axe(page, "360 px")
        await page.evaluate(_NEXT_TASK)  # reports of violations come after their cause
    await check_width(page)
    await check_charts(page)


async def check_axe(page: Page, where: str) -> None:
    """Fails for each violation of a page into which AXE_SCRIPT was loaded."""
    found: list[dict[str, Any]] = await page.evaluate(_RUN, _OPTIONS)
    lines = [f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]
    assert not lines, f"{where}:\n" + "\n".join(lines)


async def check_width(page: Page) -> None:
    """Fails if the page scrolls sideways."""
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{overflow} px too wide: {await page.evaluate(_WIDER)}"


async def check_charts(page: Page) -> None:
    """Fails for a visible SVG that is neither hidden from screen readers nor an image with a name."""
    for role, name in await page.evaluate(_CHARTS):
        assert role == "img"
        assert name
