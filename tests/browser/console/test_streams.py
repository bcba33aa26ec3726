"""Live updates of the console: one stream for all tabs, and lists whose rows stay in place."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect
from warmcast.jobs.v1 import operations_pb2

from services.gateway.pages.operations.frame.console import EVENTS
from tests.browser.console.conftest import OpenConsole
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.browser.test_tabs import HIDE
from tests.integration.gateway.data import FAILED, READY
from tests.integration.gateway.pages.operations.test_coverage import listed
from tests.unit.gateway.pages.operations.test_audit import action
from tests.unit.gateway.pages.operations.test_coverage import Count, covered, summary
from tests.unit.gateway.pages.operations.test_track_record import WEEK, accuracy, record


@pytest.fixture
async def site(site: Site) -> Site:
    """The same, which counts the streams of the console."""
    site.events = EVENTS
    return site


async def test_all_tabs_share_one_stream(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    paths = "/ops", "/ops/jobs", "/ops/jobs", "/ops/audit", "/ops/jobs/7", "/ops/comparisons", "/ops/track-record"
    pages = [await open_console(path) for path in paths]
    await site.streams(1)
    queue.change(7, READY)
    await expect(pages[4].locator(".status").first).to_have_text("ready")
    await asyncio.gather(*(expect(page.locator("#freshness")).to_have_text("live") for page in pages))
    assert site.requests.all[EVENTS] == 1
    await pages[0].close()
    await site.streams(1)
    queue.actions.insert(0, _newer())
    queue.change(8, READY)
    await expect(pages[3].get_by_role("button", name="1 new")).to_be_visible()


async def test_a_hidden_tab_closes_its_stream_and_catches_up(
    site: Site, queue: JobQueue, open_console: OpenConsole
) -> None:
    page = await open_console("/ops/jobs/7")
    await site.streams(1)
    await page.evaluate(HIDE, True)
    await site.streams(0)
    queue.change(7, READY)
    await page.evaluate(HIDE, False)
    await expect(page.locator(".status").first).to_have_text("ready")
    await site.streams(1)


async def test_new_actions_wait_for_a_click(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/audit")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(5)
    queue.actions.insert(0, _newer())
    queue.actions[2].count = 1_300
    queue.change(8, READY)
    await expect(page.locator("#action-899")).to_contain_text("1,300")
    await expect(rows).to_have_count(5)
    await expect(page.get_by_role("status")).to_have_text("1 new in the list")
    newer = queue.actions.pop(0)
    queue.change(8, FAILED)
    await expect(page.get_by_role("button", name="1 new")).to_be_hidden()
    queue.actions.insert(0, newer)
    queue.change(8, READY)
    await page.get_by_role("button", name="1 new").click()
    await expect(rows.first).to_contain_text("job 7")
    await expect(rows.first.get_by_role("link")).to_be_focused()
    await expect(rows).to_have_count(6)


async def test_comparisons_change_in_place(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    tea, coffee = covered("cold", geo="US"), covered("cold", geo="DE")
    site.world.reply(ListCoverage=listed(tea, coffee))
    page = await open_console("/ops/comparisons?state=cold")
    pills = page.locator("tbody .status")
    link = page.locator("[id^=open-]").last
    await link.focus()
    # More popular now, and with a forecast; the other one is cold no longer.
    site.world.reply(ListCoverage=listed(covered("fresh", geo="DE")))
    queue.change(8, READY)
    await expect(pills.last).to_have_text("fresh")
    await expect(link).to_be_focused()
    await expect(page.locator("#coverage-scroll tbody tr").first).to_contain_text("matches no longer")


async def test_the_map_changes_in_place_while_a_filter_is_entered(
    site: Site, queue: JobQueue, open_console: OpenConsole
) -> None:
    page = await open_console("/ops/comparisons")
    term, cold = page.get_by_label("Term"), page.locator("#coverage-map a[href$='state=cold']")
    await expect(cold).to_have_text("59")
    await term.fill("te")
    site.world.reply(GetCoverageSummary=summary())
    queue.change(8, READY)
    await expect(cold).to_have_text("1")
    await term.press_sequentially("a")
    await expect(term).to_have_value("tea")
    await cold.focus()
    site.world.reply(GetCoverageSummary=summary(all=Count(comparisons=10, fresh=4, cold=6)))
    queue.change(8, READY)
    await expect(cold).to_have_text("6")
    await expect(cold).to_be_focused()


async def test_newer_scores_appear_beside_an_open_table(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/track-record")
    weeks = page.locator("#weeks-table summary")
    await weeks.click()
    site.world.reply(GetTrackRecord=record(accuracy(5_413), WEEK))
    queue.change(8, READY)
    await expect(page.locator("main")).to_contain_text("5,413 forecasts, of two terms")
    await expect(page.get_by_role("region", name="Track record by week")).to_be_visible()
    await expect(weeks).to_be_focused()


def _newer() -> operations_pb2.OperatorAction:
    made = action({"jobId": 7})
    made.id = 901
    return made
