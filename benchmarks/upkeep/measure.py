"""What CronJobs, the migration and a jobs service at its limits take of a product: `make bench-upkeep`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.results import write_section
from benchmarks.stack import Stack
from benchmarks.upkeep.commands import Taken, measure
from benchmarks.upkeep.limits import peaks
from benchmarks.upkeep.rows import fill

_MIB = 2**20


def main(arguments: list[str]) -> int:
    """Prints what was measured; there is no bar to miss."""
    parser = argparse.ArgumentParser(prog="bench-upkeep")
    parser.add_argument("--rows", type=int, default=100_000, help="comparisons of the large product")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    asked = parser.parse_args(arguments)
    lines = ["| comparisons | command | CPU s | its peak, MiB | CPU s of jobs | CPU s of postgres | it said |"]
    lines.append("| ---: | --- | ---: | ---: | ---: | ---: | --- |")
    for count in (100, asked.rows):
        # No dispatcher: what is queued is left to `run-warmup`.
        with Stack(LOG_LEVEL="error", WORKER_SLOTS="2", DISPATCHER_ENABLED="false") as stack:
            for taken in [*_migrations(stack, count), *_schedules(stack, count)]:
                lines.append(_line(count, taken))
                print(lines[-1], flush=True)
            if count == asked.rows:
                found = [f"| {what} | {peak / _MIB:,.0f} |" for what, peak in peaks(stack)]
    lines += ["", "| what jobs was given | its peak by then, MiB |", "| --- | ---: |", *found]
    print("\n".join(lines))
    if asked.write:
        how = "; each comparison has a year of weeks, a job and an old one; the cache is empty; CPU time."
        write_section("upkeep", "Upkeep", how, lines)
    return 0


def _migrations(stack: Stack, count: int) -> Iterator[Taken]:
    """Of a database of its own: from an empty one, and with rows at the newest revision."""
    url = stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE upkeep")
    own = make_conninfo(url, dbname="upkeep")
    environment = {**stack.environment, "DATABASE_URL": url.rpartition("/")[0] + "/upkeep"}
    yield measure(stack, "migrate", environment=environment)
    fill(own, count)
    yield measure(stack, "migrate", environment=environment)


def _schedules(stack: Stack, count: int) -> Iterator[Taken]:
    """As the CronJobs run them."""
    fill(stack.environment["DATABASE_URL"], count)
    yield measure(stack, "retention", "--days", "90")
    yield measure(stack, "refresh", "--max", "100")
    yield measure(stack, "run-warmup", "--max", "20")
    yield measure(stack, "sweep")


def _line(count: int, taken: Taken) -> str:
    asked = " | ".join(f"{taken.asked[name]:.1f}" for name in ("jobs", "postgres"))
    return f"| {count:,} | {taken.command} | {taken.cpu:.1f} | {taken.peak / _MIB:,.0f} | {asked} | {taken.said} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
