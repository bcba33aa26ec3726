"""How fast a page is in Chromium on a slow computer."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, fields

from playwright.sync_api import Browser, sync_playwright

from devtools.chromium import ARGUMENTS, program

SLOWDOWN = 6
_OBSERVE = """
window.largest = 0;
window.shift = 0;
const observe = (type, add) =>
  new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type, buffered: true });
observe("largest-contentful-paint", (entry) => (window.largest = entry.startTime));
observe("layout-shift", (entry) => (window.shift += entry.value));
window.idle = 0;
const whenIdle = window.requestIdleCallback.bind(window);
window.requestIdleCallback = (work) => whenIdle((deadline) => {
  const begun = performance.now();
  work(deadline);
  window.idle += performance.now() - begun;
});
"""
_IDLE = "new Promise((done) => requestIdleCallback(() => done()))"


@dataclass(frozen=True)
class Visit:
    """One first visit; times in seconds."""

    largest_paint: float  # LCP
    script: float  # time that scripts ran until the page was idle
    idle: float  # and then, in idle time
    shift: float  # CLS


def visits(url: str, number: int) -> list[Visit]:
    """First visits, each with an empty cache."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        _visit(browser, url)  # starts the browser's processes
        seen = [_visit(browser, url) for _ in range(number)]
        browser.close()
    return seen


def median(seen: list[Visit]) -> Visit:
    """The median of each figure."""
    return Visit(*(statistics.median(getattr(visit, each.name) for visit in seen) for each in fields(Visit)))


def _visit(browser: Browser, url: str) -> Visit:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.add_init_script(_OBSERVE)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.goto(url, wait_until="networkidle")
    page.evaluate(_IDLE)
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    largest, shift, idle = page.evaluate("[window.largest, window.shift, window.idle]")
    context.close()
    if not largest:
        raise RuntimeError(f"{url} painted nothing")
    return Visit(largest / 1_000, metrics["ScriptDuration"] - idle / 1_000, idle / 1_000, shift)
