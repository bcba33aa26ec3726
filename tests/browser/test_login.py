"""Log in and out, and forms that are refused, in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import OpenSite
from tests.browser.harness.accessibility import check_page
from tests.browser.harness.sample import PATH, held, ready
from tests.browser.harness.site import Site, expect_state
from tests.browser.harness.states import STATES
from tests.integration.gateway.conftest import SECRET
from tests.integration.gateway.data import QUEUED, READY, RUNNING, job
from tests.integration.gateway.pages.browser import stop_login_limits

REMOVE_TOKEN = "document.querySelectorAll('[name=token]').forEach((each) => each.remove())"


async def test_log_in_and_out(site: Site) -> None:
    page = await site.open(PATH)
    await page.get_by_role("link", name="Log in").click()
    await check_page(site, page)
    await site.log_in(page)
    await page.wait_for_url(f"**{PATH}")
    await expect(page.get_by_text("Ada (operator)")).to_be_visible()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Log out").click()
    await page.goto(site.origin + PATH)
    await expect(page.get_by_role("link", name="Log in")).to_be_visible()


async def test_a_wrong_secret_keeps_the_name_and_is_announced(site: Site) -> None:
    site.watch.expected_statuses.add(401)
    page = await site.open("/login")
    await site.log_in(page, "not the secret of the tests")
    await expect(page.get_by_role("alert")).to_have_text("The secret is wrong.")
    await expect(page.get_by_label("Your name")).to_have_value("Ada")
    await check_page(site, page)


async def test_attempts_are_limited(open_site: OpenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_login_limits(monkeypatch)
    async with open_site() as site:
        site.watch.expected_statuses |= {401, 429}
        page = await site.open("/login")
        for _ in range(5):
            await site.log_in(page, "not the secret of the tests")
            await expect(page.get_by_role("alert")).to_be_visible()
        await site.log_in(page)
        await expect(page.get_by_text("Try again in")).to_be_visible()
        await check_page(site, page)


async def test_a_form_without_its_token_is_refused(site: Site) -> None:
    site.watch.expected_statuses.add(403)
    page = await site.open(f"/login?next={PATH}")
    await site.log_in(page)
    await page.evaluate(REMOVE_TOKEN)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("Error 403")).to_be_visible()
    await check_page(site, page)
    await page.goto(site.origin + PATH)
    await expect(page.get_by_text("Ada (operator)")).to_be_visible()


async def test_a_form_of_another_site_is_refused(site: Site, browser: Browser) -> None:
    form = f"""<form action="{site.origin}/login" method="post"><input name="name" value="Eve">
        <input name="credential" value="{SECRET}"><button>Send</button></form>"""
    async with await browser.new_context() as other:
        page = await other.new_page()
        await page.route("http://other.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
        await page.goto("http://other.example/")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("Error 403")).to_be_visible()
        assert not await other.cookies()


async def test_an_operator_retries_a_failed_forecast(site: Site) -> None:
    STATES["failed"][1](site.world)
    page = await site.open()
    await page.get_by_role("main").get_by_role("link", name="Log in").click()
    await site.log_in(page)
    await expect_state(page, "failed")
    site.move(job(QUEUED, version=8), queue_position=1)
    await page.get_by_role("button", name="Try again now").click()
    await expect_state(page, "queued")
    await site.streams(1)
    site.move(job(RUNNING, version=9))
    await expect_state(page, "running")
    site.world.reply(GetForecasts=held(ready()))
    site.move(job(READY, version=10), ready())
    await expect_state(page, "ready")
    assert len(site.world.jobs.calls["TriggerWarmup"]) == 1
