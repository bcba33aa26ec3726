"""A change of all that match a filter: dry run, reason, progress, abort."""

from __future__ import annotations

from playwright.async_api import Page, expect
from warmcast.jobs.v1 import operations_pb2

from tests.browser.conftest import OpenSite
from tests.browser.console.conftest import READ_SECRET, OpenConsole
from tests.browser.harness.accessibility import check_page
from tests.browser.harness.console import console
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.integration.gateway.data import FAILED, QUEUED, READY
from tests.unit.gateway.pages.operations.test_coverage import covered

FAILED_JOBS = "/ops/jobs?status=failed"


def failed(queue: JobQueue) -> list[int]:
    """The ids of the failed jobs."""
    return [job.id for job in queue.jobs.values() if job.status == FAILED]


async def prepare(page: Page, button: str = "Requeue all that match…") -> None:
    """Sends the form that begins an operation."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()


async def confirm(page: Page, button: str = "Requeue 20 jobs") -> None:
    """Gives a reason, and confirms."""
    await page.get_by_label("Reason").fill("the cache is back")
    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()


async def test_a_dry_run_then_a_requeue_while_jobs_change_beneath_it(
    site: Site, queue: JobQueue, open_console: OpenConsole
) -> None:
    page = await open_console(FAILED_JOBS)
    await prepare(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Requeue 20 jobs")
    await expect(page.get_by_text("Nothing has changed yet")).to_be_visible()
    await expect(page.get_by_role("region", name="Sample").get_by_role("row")).to_have_count(21)
    await check_page(site, page)
    assert len(failed(queue)) == 20, "a dry run changes nothing"

    changed = failed(queue)[:3]
    for job_id in changed:
        queue.change(job_id, READY)
    await confirm(page)
    await expect(page.get_by_role("heading", name="Running")).to_be_visible()
    await page.evaluate("window.sameDocument = true")
    queue.run(1, 8)
    await expect(page.get_by_text("5 re-queued, 3 skipped because they had changed, 12 to go.")).to_be_visible()
    await check_page(site, page)
    queue.run(1, 12)
    await expect(
        page.get_by_text("17 re-queued, 3 skipped because they had changed, 0 left as they were.")
    ).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("Done")
    assert await page.evaluate("window.sameDocument"), "the page was not loaded again"
    assert {queue.jobs[job_id].status for job_id in changed} == {READY}
    assert not failed(queue)
    assert site.world.jobs.only("ConfirmBulkOperation").request.reason == "the cache is back"
    assert site.world.jobs.only("ConfirmBulkOperation").metadata["x-warmcast-operator"] == "Ada"


async def test_an_abort_leaves_the_rest_as_it_was(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console(FAILED_JOBS)
    await prepare(page)
    await confirm(page)
    queue.run(1, 8)
    await expect(page.get_by_text("8 re-queued")).to_be_visible()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Abort").click()
    await expect(page.get_by_role("heading", name="Aborted")).to_be_visible()
    await expect(page.get_by_text("12 left as they were")).to_be_visible()
    await expect(page.get_by_role("button", name="Abort")).to_have_count(0)
    assert len(failed(queue)) == 12
    await check_page(site, page)


async def test_a_reason_is_needed(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console(FAILED_JOBS)
    await prepare(page)
    await page.get_by_role("button", name="Requeue 20 jobs").click()
    await expect(page.get_by_label("Reason")).to_be_focused()
    assert len(failed(queue)) == 20


async def test_without_scripts_the_page_of_progress_loads_again(open_site: OpenSite) -> None:
    async with open_site({"java_script_enabled": False}) as site:
        queue = console(site.world)
        page = await site.open(f"/login?next={FAILED_JOBS}")
        await site.log_in(page)
        await prepare(page)
        await confirm(page)
        await expect(page.get_by_text("0 re-queued")).to_be_visible()
        reloading = page.locator("meta[http-equiv=refresh]")
        await expect(reloading).to_have_count(1)
        queue.run(1, 20)
        await expect(page.get_by_text("20 re-queued")).to_be_visible()
        await expect(reloading).to_have_count(0)  # an operation that has ended is not loaded again


async def test_a_reader_watches_and_may_not_abort(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    prepared = queue.prepare(operations_pb2.BULK_ACTION_CANCEL, operations_pb2.JobFilter(status=QUEUED))
    queue.confirm(prepared, "a test")
    page = await open_console(f"/ops/bulk/{prepared}", READ_SECRET)
    await expect(page.get_by_role("heading", name="Running")).to_be_visible()
    await expect(page.get_by_role("button", name="Abort")).to_have_count(0)
    queue.run(prepared, 10)
    await expect(page.get_by_role("heading", name="Done")).to_be_visible()
    await check_page(site, page)


async def test_comparisons_that_match_are_warmed(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    operation = operations_pb2.BulkOperation(
        id=99, action=operations_pb2.BULK_ACTION_WARM, filter='{"state": "cold"}', state="prepared", matched=312
    )
    site.world.reply(
        PrepareBulkOperation=operations_pb2.PrepareBulkOperationResponse(
            operation=operation, comparisons=[covered("cold")]
        )
    )
    page = await open_console("/ops/comparisons")
    await page.get_by_role("link", name="All: 59 cold").click()
    await page.wait_for_url("**/ops/comparisons?state=cold")
    await prepare(page, "Warm all that match…")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Warm 312 comparisons")
    request = site.world.jobs.only("PrepareBulkOperation").request
    assert request.comparisons == operations_pb2.CoverageFilter(state="cold")
    await check_page(site, page)
