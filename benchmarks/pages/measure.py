"""Measures the page of a five-year comparison: `make bench-pages`."""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import httpx

from benchmarks.gateway.load import load, tool
from benchmarks.pages.throttled import SLOWDOWN, median, visits
from benchmarks.results import write_section
from benchmarks.stack import Stack, wait_until
from devstack.stores.ports import free_port
from services.gateway.pages.charts.comparison.chart import comparison_chart
from services.gateway.pages.charts.comparison.layout import WIDE
from services.gateway.pages.charts.sample import five_year_comparison

_VISITS = 9
_CHARTS = 300
_PAGE = "/compare/amazon-vs-costco?tf=5y"
_PLAIN = {"Accept-Encoding": "identity"}


def main(arguments: list[str]) -> int:
    """Prints a line per target. Returns 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="bench-pages")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each load")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    bars = [_rendering(), *_served(options.rounds, options.seconds)]
    lines = ["| measured | value | aim | |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {value} | {aim} | {'held' if held else '**missed**'} |" for what, value, aim, held in bars]
    if options.write:
        how = (
            f"; a five-year comparison; Chromium slowed {SLOWDOWN} times, median of {_VISITS} first visits; "
            f"{options.rounds} interleaved rounds of {options.seconds:g} s each, medians; {tool()}, 32 connections."
        )
        write_section("pages", "Pages", how, lines)
    print("\n".join(lines))
    return 0 if all(held for *_, held in bars) else 1


def _rendering() -> tuple[str, str, str, bool]:
    comparison, took = five_year_comparison(), []
    for _ in range(_CHARTS):
        begun = time.process_time()
        comparison_chart(comparison, id_="chart-wide", layout=WIDE)
        took.append(time.process_time() - begun)
    milliseconds = 1_000 * statistics.median(took)
    return f"CPU time of the chart as SVG, median of {_CHARTS}", f"{milliseconds:.1f} ms", "≤ 4 ms", milliseconds <= 4


def _served(rounds: int, seconds: float) -> list[tuple[str, str, str, bool]]:
    with Stack() as stack:
        gateway, _ = stack.gateway()
        http = stack.client(gateway)
        http.post("/api/comparisons", json=_series()).raise_for_status()
        wait_until(lambda: 'data-state="ready"' in http.get(_PAGE).text, "a forecast")
        return [*_in_browser(gateway), _rate(stack, http, gateway, rounds, seconds)]


def _in_browser(gateway: str) -> list[tuple[str, str, str, bool]]:
    visit = median(visits(gateway + _PAGE, _VISITS))
    return [
        ("largest contentful paint", f"{visit.largest_paint:.2f} s", "≤ 1 s", visit.largest_paint <= 1),
        ("time of scripts until the page is idle", f"{1_000 * visit.script:.0f} ms", "≤ 100 ms", visit.script <= 0.1),
        # An interaction that has to wait for it is answered within what web.dev calls good (INP).
        (
            "then, when idle: times in the reader's locale",
            f"{1_000 * visit.idle:.0f} ms",
            "≤ 200 ms",
            visit.idle <= 0.2,
        ),
        ("cumulative layout shift", f"{visit.shift:.3f}", "≤ 0.02", visit.shift <= 0.02),
    ]


def _rate(stack: Stack, http: httpx.Client, gateway: str, rounds: int, seconds: float) -> tuple[str, str, str, bool]:
    body = http.get(_PAGE, headers=_PLAIN).content
    (stack.folder / "body").write_bytes(body)
    bare_port, echo_port = free_port(), free_port()
    stack.start("-m", "benchmarks.gateway.bare", "http", str(bare_port), str(echo_port), str(stack.folder / "body"))
    bare = f"http://127.0.0.1:{bare_port}"
    beside = stack.client(bare)
    wait_until(lambda: _answers(beside), "bare Starlette")
    targets = {"bare": (bare, "/same"), "page": (gateway, _PAGE)}
    rates: dict[str, list[float]] = {name: [] for name in targets}
    for number in range(rounds + 1):  # the first is a warm-up
        for name, (base_url, path) in targets.items():
            one = load(base_url, [path], seconds=seconds if number else 1, headers=_PLAIN)
            if number:
                rates[name].append(one.rate)
    ours, theirs = statistics.median(rates["page"]), statistics.median(rates["bare"])
    what = f"warm page ÷ the same {len(body) / 1_000:.0f} kB from bare Starlette"
    return what, f"{ours / theirs:.2f} ({ours:,.0f}/s against {theirs:,.0f}/s)", "≥ 0.35", ours / theirs >= 0.35


def _series() -> dict[str, object]:
    comparison = five_year_comparison()
    points = zip(comparison.dates, comparison.a.values, comparison.b.values, strict=True)
    return {
        "terms": [comparison.a.name, comparison.b.name],
        "timeframe": "5y",
        "points": [{"date": date, "values": [a, b]} for date, a, b in points],
    }


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/same").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
