"""Two gateways behind one address, which sends each request to another one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, expect

from services.gateway.pages.operations.frame.console import EVENTS
from tests.browser.console.test_bulk import confirm, prepare
from tests.browser.harness.console import console
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Balanced, Requests, Site, served
from tests.browser.harness.watch import Watch
from tests.integration.gateway.conftest import World, opened_world
from tests.integration.gateway.data import FAILED
from tests.waiting import wait_until_async


@dataclass
class Pair:
    """Both gateways, which call one fake service, and the site that they serve together."""

    worlds: tuple[World, World]
    received: tuple[Requests, Requests]  # by each
    address: Balanced
    site: Site
    queue: JobQueue


@asynccontextmanager
async def pair(browser: Browser) -> AsyncIterator[Pair]:
    """Serves both, and opens a context."""
    async with opened_world() as first:
        shared: dict[str, Any] = {
            "jobs_addr": first.components.settings.jobs_addr,
            "forecaster_addr": first.components.settings.forecaster_addr,
        }
        async with opened_world(**shared) as second:
            received = Requests(first.app), Requests(second.app)
            address = Balanced(*received)
            # Each serves its own change feed; the address of the second one is not used.
            async with (
                served(first, address) as (origin, requests),
                served(second),
                await browser.new_context() as context,
            ):
                watch = Watch(origin)
                await watch.attach(context)
                site = Site(first, origin, requests, context, watch, events=EVENTS)
                yield Pair((first, second), received, address, site, console(first, 12))
                watch.check()


async def test_a_login_and_a_form_of_one_work_on_the_other(browser: Browser) -> None:
    async with pair(browser) as two:
        page = await two.site.open("/ops/jobs")
        await two.site.log_in(page)
        for name in ("Comparisons", "Track record", "Audit", "Jobs"):
            await page.get_by_role("navigation", name="Operations").get_by_role("link", name=name).click()
            await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await page.goto(two.site.origin + "/ops/jobs?status=failed")
        await prepare(page)
        await confirm(page, "Requeue 4 jobs")
        two.queue.run(1, 4)
        await expect(page.get_by_text("4 re-queued")).to_be_visible()
        assert min(len(each.all) for each in two.received) >= 3
        async with page.expect_navigation():
            await page.get_by_role("button", name="Log out").click()
        await page.goto(two.site.origin + "/ops/jobs")
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_a_page_is_followed_on_the_other_when_one_ends(browser: Browser) -> None:
    async with pair(browser) as two:
        page = await two.site.open("/ops/audit")
        await two.site.log_in(page)
        await two.site.streams(1)
        leaving = next(index for index in (0, 1) if two.received[index].open[EVENTS])
        two.address.gone.add(leaving)
        two.worlds[leaving].components.changes.close()

        async def followed() -> bool:
            return two.received[1 - leaving].open[EVENTS] == 1

        await wait_until_async(followed, 30, "the other gateway streams")
        two.queue.actions.pop()
        two.queue.add(1, FAILED)
        await expect(page.locator("#audit-scroll tbody tr").last).to_contain_text("deleted")
