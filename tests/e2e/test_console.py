"""The console against the whole product, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from devtools.chromium import ARGUMENTS
from tests.browser.harness.chromium import require_chromium
from tests.e2e.calls import export
from tests.e2e.conftest import Call, Product
from tests.waiting import wait_until

TERMS = (("amazon", "costco"), ("tea", "coffee"), ("ski", "golf"))


@pytest.mark.slow
def test_an_operator_warms_what_is_cold_and_finds_it_in_the_audit(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    for terms in TERMS:
        caller.ingest(export(*terms))
    program = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_page(base_url=running_product.base_url)
        _log_in(page, running_product.secret)
        page.goto("/ops/comparisons?state=cold")
        expect(page.locator("tbody .status.cold")).to_have_count(3)
        page.get_by_role("button", name="Warm all that match…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Warm 3 comparisons")
        assert not caller.rows(), "a dry run starts no job"
        page.get_by_label("Reason").fill("before the launch")
        page.get_by_role("button", name="Warm 3 comparisons").click()
        expect(page.get_by_text("3 enqueued, 0 skipped")).to_be_visible(timeout=20_000)
        wait_until(lambda: [row["status"] for row in caller.rows()] == ["ready"] * 3, 60, "all are warm")

        page.goto("/ops/comparisons?state=fresh")
        expect(page.locator("tbody .status.fresh")).to_have_count(3)
        page.goto("/ops/audit")
        rows = page.locator("#audit-scroll tbody tr")
        expect(rows).to_have_count(1 + len(TERMS))  # with the imports
        row = rows.first
        for words in ("Ada", "warmed", "all with state cold", "before the launch"):
            expect(row).to_contain_text(words)
        expect(row.locator(".figure")).to_have_text("3")
        row.get_by_role("link", name="operation").click()
        expect(page.get_by_role("heading", name="Done")).to_be_visible()
        browser.close()


def _log_in(page: Page, secret: str) -> None:
    page.goto("/login?next=/ops")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("secret").fill(secret)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
