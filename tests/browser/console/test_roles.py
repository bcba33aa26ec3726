"""Logins of the console: what a reader may not do, and forms without their token."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.console.conftest import READ_SECRET, OpenConsole
from tests.browser.harness.accessibility import check_page
from tests.browser.harness.console import PATHS
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.browser.test_login import REMOVE_TOKEN
from tests.integration.gateway.data import FAILED
from tests.integration.gateway.pages.operations.test_roles import CHANGING
from tests.integration.gateway.pages.operations.unsafe import unsafe_paths

# Sends a form as a page of this site does, and returns the status.
SEND = """async ([path, fields]) =>
  (await fetch(path, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" })).status"""
TOKEN = "document.querySelector('[name=token]').value"
FIELDS = {"reason": "because", "action": "requeue", "job-1": "on"}


async def test_each_route_that_changes_something_is_refused_to_a_reader(
    site: Site, queue: JobQueue, open_console: OpenConsole
) -> None:
    site.watch.expected_statuses.add(403)
    page = await open_console("/ops/jobs", READ_SECRET)
    await expect(page.get_by_text("Ada (read-only operator)")).to_be_visible()
    token = await page.evaluate(TOKEN)  # of the form that logs out
    for path in unsafe_paths(site.world):
        assert await page.evaluate(SEND, [path, {**FIELDS, "token": token}]) == 403, path
    assert not set(CHANGING) & set(site.world.jobs.calls)


@pytest.mark.parametrize("path", PATHS)
async def test_a_reader_sees_no_form_that_changes_something(
    queue: JobQueue, open_console: OpenConsole, path: str
) -> None:
    page = await open_console(path, READ_SECRET)
    await expect(page.locator("main form[method=post]")).to_have_count(0)


async def test_each_form_needs_its_token(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    site.watch.expected_statuses.add(403)
    page = await open_console("/ops/jobs")
    for path in unsafe_paths(site.world):
        assert await page.evaluate(SEND, [path, FIELDS]) == 403, path
    await page.evaluate(REMOVE_TOKEN)
    await page.get_by_role("button", name="Requeue all that match…").click()
    await expect(page.get_by_text("Error 403")).to_be_visible()
    await check_page(site, page)
    assert not set(CHANGING) & set(site.world.jobs.calls)


async def test_a_login_that_ended_is_said(site: Site, queue: JobQueue, open_console: OpenConsole) -> None:
    site.watch.expected_statuses.add(401)
    page = await open_console("/ops/jobs")
    await expect(page.locator("#freshness")).to_have_text("live")
    await site.context.clear_cookies()
    queue.add(1, FAILED)
    await expect(page.locator("#freshness")).to_contain_text("your login has ended")
    await page.get_by_role("button", name="Requeue all that match…").click()
    await expect(page.get_by_text("Error 401")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="Log in").click()
    await site.log_in(page)
    await page.goto(site.origin + "/ops/jobs")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
