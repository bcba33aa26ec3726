"""A forecast arrives while its page is open."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, Request, Route, expect
from warmcast.jobs.v1 import jobs_pb2

from tests.browser.conftest import OpenSite
from tests.browser.harness.sample import PATH, held, ready, warmed
from tests.browser.harness.site import Site, expect_state
from tests.integration.gateway.data import FAILED, QUEUED, READY, RUNNING, job, moment
from tests.waiting import wait_until_async

RECORD_ANNOUNCEMENTS = """() => {
  window.announced = [];
  const announcer = document.getElementById("announcer");
  new MutationObserver(() => window.announced.push(announcer.textContent)).observe(announcer, { childList: true });
}"""
RECORD_SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.shifts.push([entry.value,
    entry.sources.map(({ node, previousRect: before, currentRect: after }) =>
      `${node?.nodeName}.${node?.className} ${JSON.stringify(before)} to ${JSON.stringify(after)}`)])))
    .observe({ type: "layout-shift", buffered: true });
}"""
# Elements that a swap replaces are new to the browser, so it does not count that they moved.
TOPS = "() => [...document.querySelectorAll('main h2')].map((each) => Math.round(each.getBoundingClientRect().top))"


def queue(site: Site) -> None:
    """A missing forecast, which the page enqueues as the third in line."""
    row = job(QUEUED, version=8)
    place: dict[str, Any] = {"queue_position": 3, "eta_seconds": 4.2}

    def enqueue(_request: object) -> jobs_pb2.EnqueueWarmupResponse:
        site.world.reply(GetWarmup=warmed(row, **place))
        return jobs_pb2.EnqueueWarmupResponse(job=row, enqueued=True, **place)

    site.world.reply(GetWarmup=warmed(), GetForecasts=held(None), EnqueueWarmup=enqueue)


async def finish(site: Site, page: Page) -> None:
    """Runs the job, and finishes it."""
    running = job(RUNNING, version=9)
    running.started_at.CopyFrom(moment("2026-01-01T10:00:00"))
    site.move(running)
    await expect_state(page, "running")
    site.move(job(READY, version=10), ready())
    await expect_state(page, "ready")


async def test_a_cold_page_becomes_ready_without_a_reload(site: Site) -> None:
    queue(site)
    page = await site.open()
    await expect_state(page, "queued")
    await expect(page.get_by_text("3rd in line, about 4 s.")).to_be_visible()
    await page.evaluate("window.sameDocument = true")
    await page.evaluate(RECORD_ANNOUNCEMENTS)
    await site.streams(1)
    await finish(site, page)
    await expect(page.get_by_text("of 100", exact=False).first).to_be_visible()
    await site.streams(0)
    assert await page.evaluate("window.sameDocument")
    assert await page.evaluate("window.announced") == ["Computing", "Forecast ready"]


async def test_the_value_that_was_read_last_survives_the_forecast(site: Site) -> None:
    queue(site)
    page = await site.open()
    await page.locator("[data-chart]").focus()
    await page.keyboard.press("Home")
    await expect(page.locator("#announcer")).to_contain_text("28 November 2021")
    await site.streams(1)
    await finish(site, page)
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#announcer")).to_contain_text("5 December 2021")


async def test_without_trusted_types_a_forecast_arrives_too(site: Site) -> None:
    await site.context.add_init_script("delete window.trustedTypes")
    # The policy of the page would refuse what such a browser does not know.
    await site.context.route(f"**{PATH}", _without_policy)
    queue(site)
    page = await site.open()
    assert await page.evaluate("window.trustedTypes === undefined")
    await expect_state(page, "queued")
    await site.streams(1)
    await finish(site, page)


async def _without_policy(route: Route) -> None:
    response = await route.fetch()
    headers = {name: value for name, value in response.headers.items() if name != "content-security-policy"}
    await route.fulfill(response=response, headers=headers)


async def test_a_prefetched_page_is_followed_once_it_is_shown(site: Site) -> None:
    queue(site)

    async def prefetch(route: Route) -> None:
        await route.continue_(headers={**route.request.headers, "sec-purpose": "prefetch"})

    await site.context.route(f"**{PATH}", prefetch)
    page = await site.open()
    await site.streams(1)
    site.move(job(QUEUED, version=8), queue_position=1)
    await expect_state(page, "queued")
    await finish(site, page)


async def test_without_a_stream_the_page_polls_until_the_forecast_is_there(site: Site) -> None:
    site.watch.expected_statuses.add(503)
    await site.context.route("**/events?*", lambda route: route.fulfill(status=503))
    await site.context.clock.install()
    queue(site)
    page = await site.open()
    await expect_state(page, "queued")
    for row, kept, state in ((job(RUNNING, version=9), None, "running"), (job(READY, version=10), ready(), "ready")):
        site.move(row, kept)
        await page.clock.run_for(5_000)
        await expect_state(page, state)


async def test_a_stream_that_is_lost_without_an_error_delays_the_forecast_by_half_a_minute(site: Site) -> None:
    silent: list[Route] = []

    async def hold(route: Route) -> None:
        silent.append(route)

    async def held_back() -> bool:
        return bool(silent)

    await site.context.route("**/events?*", hold)
    await site.context.clock.install()
    queue(site)
    page = await site.open()
    await expect_state(page, "queued")
    await wait_until_async(held_back, 30, "the page opens its stream")
    site.move(job(READY, version=9), ready())
    await page.clock.run_for(30_000)
    await expect_state(page, "ready")
    assert len(silent) == 1
    await silent[0].abort()


async def test_focus_and_open_details_survive_the_swap(site: Site) -> None:
    queue(site)
    page = await site.open()
    summary = page.get_by_text("Show the numbers as a table")
    await summary.click()
    chart = page.locator("[data-chart]")
    await chart.focus()
    await site.streams(1)
    await finish(site, page)
    await expect(page.locator("#numbers")).to_have_attribute("open", "")
    await expect(chart).to_be_focused()


async def test_a_focused_summary_survives_the_swap(site: Site) -> None:
    queue(site)
    page = await site.open()
    summary = page.locator("#numbers > summary")
    await summary.focus()
    await site.streams(1)
    await finish(site, page)
    await expect(summary).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (768, 1000), (360, 740), (1280, 2400)])
async def test_the_layout_does_not_shift_when_the_forecast_arrives(
    open_site: OpenSite, width: int, height: int
) -> None:
    async with open_site({"viewport": {"width": width, "height": height}}) as site:
        queue(site)
        page = await site.open()
        before = await page.evaluate(TOPS)
        await page.evaluate(RECORD_SHIFTS)
        await site.streams(1)
        await finish(site, page)
        await expect(page.get_by_role("img").nth(3)).to_be_visible()
        # Entries of layout shifts come with the frames after the swap.
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        shifts = await page.evaluate("window.shifts")
        assert sum(shift for shift, _ in shifts) <= 0.02, shifts
        after = await page.evaluate(TOPS)
        assert after[:2] == before[:2]


async def test_a_failure_arrives_with_its_cause(site: Site) -> None:
    queue(site)
    page = await site.open()
    await site.streams(1)
    failed = job(FAILED, version=9, last_error="unavailable: 10.0.0.7 refused")
    site.move(failed, cooling_down=True, cooldown_seconds=60)
    await expect_state(page, "failed")
    await expect(page.get_by_text("The forecaster was not available. It can start again in 60 s.")).to_be_visible()
    await site.streams(0)


async def test_a_first_view_is_light(site: Site) -> None:
    page = await site.context.new_page()
    finished: list[Request] = []

    def add(request: Request) -> None:
        finished.append(request)

    page.on("requestfinished", add)
    await page.goto(site.origin + PATH, wait_until="networkidle")
    sizes: dict[str, int] = {}
    for request in finished:
        measured = await request.sizes()
        sizes[request.url] = measured["responseBodySize"] + measured["responseHeadersSize"]
    scripts = sum(size for url, size in sizes.items() if url.endswith(".js"))
    assert len([url for url in sizes if url.endswith(".js")]) >= 5
    assert sum(sizes.values()) <= 60_000
    assert 0 < scripts <= 30_000
