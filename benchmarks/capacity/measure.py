"""Measures the comparisons per core and hour, and the cost of one in each process: `make bench-capacity`."""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta

import httpx
import psycopg
import redis

from benchmarks.capacity.usage import cpu_seconds, peak_bytes
from benchmarks.results import write_section
from benchmarks.stack import Stack, wait_until

# Timeframe: points and days between them, as in Google Trends exports.
SHAPES = {"12m": (53, 7), "5y": (261, 7), "3m": (90, 1)}
_PARTS = ("gateway", "jobs", "forecaster", "postgres", "valkey")
_SECONDS = 1800.0


@dataclass(frozen=True)
class Round:
    """The cost of `comparisons` of one timeframe, from import to ready."""

    timeframe: str
    comparisons: int
    seconds: float  # from the first call to the last `ready`
    cpu: dict[str, float]  # seconds, of each part, imports included
    stored: dict[str, float]  # bytes, of each store


def main(arguments: list[str]) -> int:
    """Prints the results; there is no target."""
    parser = argparse.ArgumentParser(prog="bench-capacity")
    parser.add_argument("--comparisons", type=int, default=400, help="of each timeframe")
    parser.add_argument("--slots", type=int, default=2, help="workers of the forecaster")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    with Stack(WORKER_SLOTS=str(options.slots), LOG_LEVEL="warning") as stack:
        base_url, gateway = stack.gateway()
        pids = {**stack.pids, "gateway": gateway}
        idle = _idle(pids)
        started = {name: peak_bytes(pids[name]) for name in _PARTS}
        rounds = [_measure(stack, base_url, pids, timeframe, options.comparisons) for timeframe in SHAPES]
        peak = {name: peak_bytes(pids[name]) for name in _PARTS}
    lines = [*_rates(rounds), "", *_costs(rounds, idle, started, peak)]
    print("\n".join(lines))
    if options.write:
        how = f"; {options.comparisons} cold comparisons of each timeframe, {options.slots} workers; "
        how += "CPU time, not the clock's, but for the last column of the first table."
        write_section("capacity", "Capacity", how, lines)
    return 0


def _measure(stack: Stack, base_url: str, pids: dict[str, int], timeframe: str, count: int) -> Round:
    http = stack.client(base_url)
    cpu, stored = {name: cpu_seconds(pids[name]) for name in _PARTS}, _stored(stack)
    for number in range(count):
        http.post("/api/comparisons", json=_series(number, timeframe)).raise_for_status()
    begun = time.perf_counter()
    for number in range(count):
        _request(http, number, timeframe)
    _wait_until_ready(stack, timeframe, count)
    seconds = time.perf_counter() - begun
    after = _stored(stack)
    return Round(
        timeframe,
        count,
        seconds,
        {name: cpu_seconds(pids[name]) - cpu[name] for name in _PARTS},
        {name: after[name] - stored[name] for name in after},
    )


def _request(http: httpx.Client, number: int, timeframe: str) -> None:
    query = {"slug": f"market-vs-shop-{number}", "tf": timeframe}
    http.get("/api/comparison/premium", params=query).raise_for_status()


def _wait_until_ready(stack: Stack, timeframe: str, count: int) -> None:
    query = "SELECT count(*) FROM warmup_jobs WHERE status = 'ready' AND timeframe = %s"
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:
        # Polled slowly, because PostgreSQL's CPU is measured too.
        wait_until(
            lambda: connection.execute(query, [timeframe]).fetchone() == (count,),
            f"{count} are ready",
            seconds=_SECONDS,
            pause=0.2,
        )


def _stored(stack: Stack) -> dict[str, float]:
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        used = client.info("memory")["used_memory_dataset"]
    return {"postgres": float(found[0]) if found else 0.0, "valkey": float(used)}


def _idle(pids: dict[str, int], seconds: float = 20) -> dict[str, float]:
    """CPU seconds an hour of each process without requests."""
    before = {name: cpu_seconds(pids[name]) for name in _PARTS}
    time.sleep(seconds)  # the measured interval
    return {name: (cpu_seconds(pids[name]) - before[name]) * 3600 / seconds for name in _PARTS}


def _rates(rounds: list[Round]) -> list[str]:
    lines = ["| timeframe | points | comparisons an hour per core of the forecaster | with all parts on this machine |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for each in rounds:
        a_core, here = (3600 * each.comparisons / seconds for seconds in (each.cpu["forecaster"], each.seconds))
        lines.append(f"| {each.timeframe} | {SHAPES[each.timeframe][0]} | {a_core:,.0f} | {here:,.0f} |")
    return lines


def _costs(rounds: list[Round], idle: dict[str, float], started: dict[str, int], peak: dict[str, int]) -> list[str]:
    names = " | ".join(f"CPU ms a comparison, {each.timeframe}" for each in rounds)
    sizes = " | ".join(f"bytes, {each.timeframe}" for each in rounds)
    lines = [f"| part | {names} | idle, CPU s an hour | memory at first, MiB | its peak, MiB | {sizes} |"]
    lines.append("| --- |" + " ---: |" * (3 + 2 * len(rounds)))
    for name in _PARTS:
        cpu = " | ".join(f"{1000 * each.cpu[name] / each.comparisons:,.1f}" for each in rounds)
        size = " | ".join(
            f"{each.stored[name] / each.comparisons:,.0f}" if name in each.stored else "" for each in rounds
        )
        memory = f"{started[name] / 2**20:,.0f} | {peak[name] / 2**20:,.0f}"
        lines.append(f"| {name} | {cpu} | {idle[name]:,.0f} | {memory} | {size} |")
    return lines


def _series(number: int, timeframe: str) -> dict[str, object]:
    """A synthetic comparison of two random walks, deterministic in its number."""
    points, days = SHAPES[timeframe]
    walk = random.Random(f"{timeframe} {number}")
    values, rows = [50.0, 40.0], []
    first = date(2026, 11, 1) - timedelta(days=days * points)
    for place in range(points):
        values = [min(max(value + walk.gauss(0, 4), 1), 100) for value in values]
        rows.append({"date": str(first + timedelta(days=days * place)), "values": [round(value) for value in values]})
    return {"terms": [f"shop {number}", "market"], "timeframe": timeframe, "points": rows}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
