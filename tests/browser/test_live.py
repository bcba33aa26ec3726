"""A forecast arrives while its page is open."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, expect
from warmcast.jobs.v1 import jobs_pb2

from tests.browser.harness.sample import held, ready, warmed
from tests.browser.harness.site import Site, expect_state
from tests.integration.gateway.data import QUEUED, READY, RUNNING, job, moment

RECORD_ANNOUNCEMENTS = """() => {
  window.announced = [];
  const announcer = document.getElementById("announcer");
  new MutationObserver(() => window.announced.push(announcer.textContent)).observe(announcer, { childList: true });
}"""
SUM_SHIFTS = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value)))
    .observe({ type: "layout-shift", buffered: true });
}"""


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
