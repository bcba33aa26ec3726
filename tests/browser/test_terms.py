"""Names of terms that try to be something else are text everywhere."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.harness.accessibility import NARROW, check_width
from tests.browser.harness.sample import held, ready, series, warmed
from tests.browser.harness.site import Site, expect_state
from tests.integration.gateway.data import READY, job

TERMS = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "end of the data block": "</script><script>alert(1)</script><!--",
    "template": "{{7*7}}",
    "override": "\u202eevil",
    "long": "x" * 100,
    "long words": "very " * 19 + "long",
    "right to left": "قهوة عربية",
    "Chinese": "星巴克咖啡",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈",
}


@pytest.mark.parametrize("name", TERMS)
async def test_a_term_is_text(site: Site, name: str) -> None:
    term = TERMS[name]
    terms = (term, "costco")
    site.world.reply(
        GetWarmup=warmed(job(READY), terms), GetComparison=series(terms), GetForecasts=held(ready(terms=terms))
    )
    page = await site.open()
    page.on("dialog", lambda dialog: site.watch.faults.append(f"dialog: {dialog.message}"))
    await expect_state(page, "ready")
    await expect(page.locator("h1 bdi").first).to_have_text(term)
    await expect(page).to_have_title(f"{term} vs costco · Warmcast")
    assert await page.locator("main img, main script:not([type='application/json'])").count() == 0
    await page.locator("[data-chart]").focus()
    await page.keyboard.press("End")
    await expect(page.locator(".readout bdi").first).to_have_text(term)
    await check_width(page)
    await page.set_viewport_size(NARROW)
    await check_width(page)
