"""The overview and the page of one job, followed live."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import expect
from warmcast.jobs.v1 import operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.browser.console.conftest import OpenConsole
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.integration.gateway.data import FAILED, QUEUED, RUNNING
from tests.integration.gateway.pages.operations.test_overview import replica, status
from tests.waiting import wait_until_async

KEEP_ANNOUNCED = """() => {
  const announcer = document.getElementById("announcer");
  const keep = () => (sessionStorage.announced = `${sessionStorage.announced ?? ""} ${announcer.textContent}`);
  new MutationObserver(keep).observe(announcer, { childList: true });
}"""


async def test_arrow_keys_show_the_numbers_of_each_bar(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops")
    bars, readout = page.locator("#bars"), page.locator("[data-readout]")
    drawn = page.locator("#throughput-wide [data-bar]")
    texts = await drawn.evaluate_all("bars => bars.map(({ dataset }) => dataset.bar)")
    await bars.focus()
    for key, index in (("ArrowLeft", -1), ("ArrowLeft", -2), ("Home", 0), ("ArrowRight", 1), ("End", -1)):
        await bars.press(key)
        await expect(readout).to_have_text(f"{texts[index]} (UTC)")
    await expect(page.get_by_role("status")).to_have_text(texts[-1])


async def test_reading_a_bar_is_not_interrupted(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops")
    freshness = page.locator("#freshness")
    await expect(freshness).to_have_text("live")
    await page.locator("#bars").press("Home")
    queue.add(1, FAILED)
    await expect(freshness).to_have_text("paused")
    await expect(page.locator("[data-bar].current")).to_have_count(1)
    await page.locator("#bars").press("Escape")
    queue.add(1, FAILED)
    await expect(freshness).to_have_text("live")


async def test_an_update_that_gets_no_answer_is_not_called_live(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops")
    freshness = page.locator("#freshness")
    await expect(freshness).to_have_text("live")
    await page.route("**/ops/fragment*", lambda route: None)
    queue.add(1, FAILED)
    await expect(freshness).to_have_text("not updated since then; trying again", timeout=60_000)
    await page.unroute("**/ops/fragment*")
    await expect(freshness).to_have_text("live", timeout=60_000)


async def test_an_alarm_appears_and_goes_with_its_cause(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    site.world.reply(GetStatus=status(), ListScheduleRuns=operations_pb2.ListScheduleRunsResponse())
    page = await open_console("/ops")
    alarm = page.locator(".alarm")
    await expect(alarm).to_have_count(0)
    refused = replica("refuses-writes", "out-of-memory")
    site.world.reply(GetStatus=status(forecaster_available=False, forecaster_cause="out-of-memory", replicas=[refused]))
    queue.add(1, FAILED)
    await expect(alarm).to_contain_text("The cache refuses writes: out-of-memory.")
    await expect(page.get_by_role("status")).to_contain_text("The cache refuses writes")
    await page.get_by_role("link", name="Runbook: WarmcastCacheRefusesWrites").click()
    await expect(page.locator("#warmcastcacherefuseswrites")).to_be_in_viewport()
    await page.go_back()
    await expect(alarm).to_be_visible()
    await expect(page.locator("#freshness")).to_have_text("live")
    site.world.reply(GetStatus=status())
    queue.add(1, FAILED)
    await expect(alarm).to_have_count(0)
    await expect(page.get_by_role("status")).to_have_text("Nothing is wrong any more.")


async def test_a_job_is_followed_while_a_reason_is_entered(
    site: Site, queue: JobQueue, open_console: OpenConsole
) -> None:
    [job_id] = queue.add(1, FAILED)
    page = await open_console(f"/ops/jobs/{job_id}")
    reason = page.get_by_label("Reason")
    await reason.fill("a customer ")
    queue.change(job_id, RUNNING)
    await expect(page.locator(".summary .status")).to_have_text("running")
    await expect(reason).to_be_focused()
    await reason.press_sequentially("waits")
    await expect(reason).to_have_value("a customer waits")
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.locator(".summary .status")).to_have_text("cancelled")
    assert site.world.jobs.only("CancelJob").request.reason == "a customer waits"


async def test_a_run_that_is_refused_late_is_said_and_meanwhile_awaited(
    site: Site, queue: JobQueue, open_console: OpenConsole
) -> None:
    [job_id] = queue.add(1, FAILED)
    refused = asyncio.Event()

    async def run(_request: Any) -> WarmcastError:
        await refused.wait()
        return WarmcastError(errors.UNAVAILABLE, "all slots are busy; nothing was claimed", retry_after=5)

    site.world.reply(RunJob=run)
    site.watch.expected_statuses.add(503)
    path, fragment = f"/ops/jobs/{job_id}", f"/ops/jobs/{job_id}/fragment"
    page = await open_console(path)
    await page.evaluate(KEEP_ANNOUNCED)
    await page.get_by_label("Reason").fill("a customer waits")
    await page.get_by_role("button", name="Run now").click(no_wait_after=True)

    # Playwright cannot read the page before the response, which is shown until then and still follows the job.
    async def follows() -> bool:
        return site.requests.all[fragment] > fetched

    fetched = site.requests.all[fragment]
    queue.change(job_id, QUEUED)
    await wait_until_async(follows, 30, "a fragment during the call")
    refused.set()
    await expect(page.get_by_role("alert")).to_have_text("All slots are busy; nothing was claimed.")
    await expect(page.get_by_label("Reason")).to_have_value("a customer waits")
    await expect(page.locator("#waiting")).to_be_hidden()
    assert "Waiting until the run begins" in await page.evaluate("sessionStorage.announced")


async def test_a_job_says_its_status_before_what_can_be_done(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs/7")
    order = await page.locator("main").evaluate(
        "main => [...main.querySelectorAll('.summary, #act, #attempts')].map(({ id, className }) => id || className)"
    )
    assert order == ["summary", "act", "attempts"]


async def test_ids_are_copied(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    await site.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await open_console("/ops/jobs/1")
    await page.get_by_role("button", name="Copy the debug id").click()
    await expect(page.get_by_role("status")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == queue.jobs[1].debug_id
