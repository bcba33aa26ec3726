"""The list of jobs: rows that stay in place, a selection, and the keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from tests.browser.console.conftest import READ_SECRET, OpenConsole
from tests.browser.harness.accessibility import check_axe
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.integration.gateway.data import CANCELLED, FAILED, QUEUED, READY, RUNNING

RECORD_SUBMISSIONS = """() => {
    globalThis.submissions = 0;
    addEventListener("submit", (event) => {
        if (!event.defaultPrevented) submissions += 1;
        event.preventDefault();
    });
}"""
ROWS = "[...document.querySelectorAll('tr[data-job]')].map((row) => Number(row.dataset.job))"


async def status_of(page: Page, job_id: int, status: str) -> None:
    """Waits until the row of a job shows a status."""
    await expect(page.locator(f"#job-{job_id} .status")).to_have_text(status)


async def select(page: Page, job_id: int) -> None:
    await page.get_by_label(f"Select job {job_id}", exact=True).check()


async def test_rows_change_in_place_and_new_ones_wait(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs")
    before = await page.evaluate(ROWS)
    changed = before[4]
    await page.locator(f"#open-{changed}").focus()
    queue.change(changed, RUNNING)
    await status_of(page, changed, "running")
    await expect(page.locator(f"#open-{changed}")).to_be_focused()
    new = queue.add(3, QUEUED)
    button = page.get_by_role("button", name="3 new")
    await expect(button).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("3 new in the list")
    assert await page.evaluate(ROWS) == before, "no row has moved"
    await button.click()
    await expect(page.locator(f"#job-{new[-1]}")).to_be_visible()
    await expect(button).to_be_hidden()
    assert (await page.evaluate(ROWS))[:3] == new[::-1]


async def test_a_row_that_matches_no_longer_stays_and_says_so(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs?status=failed")
    before = await page.evaluate(ROWS)
    queue.change(before[2], READY)
    await expect(page.locator(f"#job-{before[2]}")).to_contain_text("matches no longer")
    assert await page.evaluate(ROWS) == before


async def test_an_older_job_that_begins_to_match_is_new(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs?status=failed")
    before = await page.evaluate(ROWS)
    queue.change(next(each for each in queue.jobs if each not in before), FAILED)
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert await page.evaluate(ROWS) == before


async def test_nothing_changes_while_a_job_is_selected(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs")
    first, second, third, *_ = await page.evaluate(ROWS)
    shown = await page.locator(f"#job-{second} .status").text_content()
    await select(page, first)
    await expect(page.get_by_text("1 selected")).to_be_visible()
    await expect(page.locator("#freshness")).to_have_text("paused")
    queue.change(second, CANCELLED)
    queue.add(1, FAILED)
    # Once the fragment of another page is updated, this one has had its event too.
    other = await open_console("/ops/jobs")
    await status_of(other, second, "cancelled")
    assert await page.locator(f"#job-{second} .status").text_content() == shown != "cancelled"
    await expect(page.get_by_role("button", name="1 new")).to_be_hidden()
    await page.get_by_label(f"Select job {first}", exact=True).uncheck()
    await status_of(page, second, "cancelled")
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    await expect(page.locator("#freshness")).to_have_text("live")
    assert third in queue.jobs


async def test_selected_jobs_are_requeued_with_a_reason(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs?status=failed")
    chosen = (await page.evaluate(ROWS))[:2]
    for job_id in chosen:
        await select(page, job_id)
    await expect(page.get_by_text("2 selected")).to_be_visible()
    with site.watch.paused():
        await page.evaluate(AXE_SCRIPT)
        await check_axe(page, "with a selection")
    await page.get_by_label("Reason").fill("the cache is back")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Requeue", exact=True).click()
    await expect(page.get_by_text("2 jobs re-queued")).to_be_visible()
    calls = site.world.jobs.calls["RequeueJob"]
    assert {(call.request.id, call.request.reason) for call in calls} == {
        (each, "the cache is back") for each in chosen
    }
    assert {call.metadata["x-warmcast-operator"] for call in calls} == {"Ada"}


async def test_the_keyboard_moves_selects_and_opens(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs")
    first, second, *_ = await page.evaluate(ROWS)
    press = page.keyboard.press
    await press("j")
    await expect(page.locator(f"#open-{first}")).to_be_focused()
    await press("j")
    await expect(page.locator(f"#open-{second}")).to_be_focused()
    await press("k")
    await expect(page.locator(f"#open-{first}")).to_be_focused()
    await press("x")
    await expect(page.get_by_label(f"Select job {first}", exact=True)).to_be_checked()
    await press("x")
    await expect(page.get_by_label(f"Select job {first}", exact=True)).not_to_be_checked()
    await press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await press("Escape")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    await page.locator(f"#open-{second}").focus()
    await press("Enter")
    await page.wait_for_url(f"**/ops/jobs/{second}")


async def test_the_form_of_a_selection_hides_no_job_that_has_the_focus(
    queue: JobQueue, open_console: OpenConsole
) -> None:
    page = await open_console("/ops/jobs")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    form = page.locator("#selected")
    await expect(form).to_be_visible()
    for _ in range(25):
        await page.keyboard.press("j")
    focused, bar = await page.locator(":focus").bounding_box(), await form.bounding_box()
    assert focused is not None
    assert bar is not None
    assert focused["y"] + focused["height"] <= bar["y"]


@pytest.mark.parametrize("keys", [("r", "RequeueJob", "failed"), ("c", "CancelJob", "queued")])
async def test_keys_requeue_and_cancel(
    site: Site, queue: JobQueue, open_console: OpenConsole, keys: tuple[str, str, str]
) -> None:
    key, rpc, listed = keys
    page = await open_console(f"/ops/jobs?status={listed}")
    [first, *_] = await page.evaluate(ROWS)
    await page.keyboard.press("j")
    await page.keyboard.press(key)
    await expect(page.get_by_label("Reason")).to_be_focused()
    await page.keyboard.type("jk: just because")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    request = site.world.jobs.only(rpc).request
    assert (request.id, request.reason) == (first, "jk: just because")


async def test_a_double_click_changes_the_selected_jobs_once(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs?status=failed")
    [first, *_] = await page.evaluate(ROWS)
    await select(page, first)
    await page.get_by_label("Reason").fill("the cache is back")
    await page.evaluate(RECORD_SUBMISSIONS)
    await page.get_by_role("button", name="Requeue", exact=True).dblclick()
    assert await page.evaluate("submissions") == 1


async def test_enter_in_a_reason_does_only_what_a_key_began(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs?status=queued")
    reason, cancel = page.get_by_label("Reason"), page.get_by_role("button", name="Cancel them")
    await page.keyboard.press("j")
    await page.keyboard.press("c")
    await expect(cancel).to_have_class("primary")
    await page.get_by_role("button", name="Select none").click()
    await page.keyboard.press("x")
    await reason.fill("of another selection")
    await expect(cancel).not_to_have_class("primary")
    await page.evaluate(RECORD_SUBMISSIONS)
    await reason.press("Enter")
    assert await page.evaluate("submissions") == 0
    await page.get_by_role("button", name="Requeue", exact=True).click()
    assert await page.evaluate("submissions") == 1


async def test_enter_in_the_reason_of_a_job_presses_no_button(queue: JobQueue, open_console: OpenConsole) -> None:
    [job_id] = queue.add(1, RUNNING)
    page = await open_console(f"/ops/jobs/{job_id}")
    reason = page.get_by_label("Reason")
    await reason.fill("a customer waits")
    await page.evaluate(RECORD_SUBMISSIONS)
    await reason.press("Enter")
    assert await page.evaluate("submissions") == 0
    await page.get_by_role("button", name="Cancel", exact=True).click()
    assert await page.evaluate("submissions") == 1


async def test_keys_do_nothing_while_text_is_entered_or_when_turned_off(
    queue: JobQueue, open_console: OpenConsole
) -> None:
    page = await open_console("/ops/jobs")
    field = page.get_by_label("Comparison", exact=True)
    await field.fill("")
    await page.keyboard.type("jkxrc?")
    await expect(field).to_have_value("jkxrc?")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Keyboard").click()
    await page.get_by_label("Keys are on").uncheck()
    await page.get_by_role("button", name="Close").click()
    await page.reload()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


async def test_a_reader_moves_by_keys_and_selects_nothing(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs", READ_SECRET)
    [first, *_] = await page.evaluate(ROWS)
    await expect(page.get_by_role("checkbox")).to_have_count(0)
    for name in ("Requeue", "Cancel"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    for key in ("j", "x", "r", "c"):
        await page.keyboard.press(key)
    await expect(page.locator(f"#open-{first}")).to_be_focused()


async def test_filters_stay_in_the_address(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs")
    await page.get_by_label("Status").select_option("failed")
    await page.get_by_label("Error").fill("cache-unavailable")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Filter").click()
    assert "status=failed" in page.url
    assert "errorReason=cache-unavailable" in page.url
    assert len(await page.evaluate(ROWS)) == 20
    async with page.expect_navigation():
        await page.get_by_role("link", name="Clear").click()
    assert page.url.endswith("/ops/jobs")


async def test_rare_filters_are_folded_until_one_is_used(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs")
    geo = page.get_by_label("Geo")
    await expect(geo).to_be_hidden()
    await page.get_by_text("More filters").click()
    await geo.fill("US")
    async with page.expect_navigation():
        await geo.press("Enter")
    assert "geo=US" in page.url
    await expect(geo).to_have_value("US")
    await expect(geo).to_be_visible()


async def test_a_second_page_shows_older_jobs(queue: JobQueue, open_console: OpenConsole) -> None:
    page = await open_console("/ops/jobs")
    first = await page.evaluate(ROWS)
    async with page.expect_navigation():
        await page.get_by_role("link", name="Next page").click()
    second = await page.evaluate(ROWS)
    assert (len(first), len(second)) == (50, 10)
    assert max(second) < min(first)
