"""Measures CronJobs, the migration, and a jobs service at its limits: `make bench-upkeep`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.results import write_section
from benchmarks.stack import Stack
from benchmarks.upkeep.commands import Cost, measure
from benchmarks.upkeep.limits import peaks
from benchmarks.upkeep.rows import fill

_MIB = 2**20


def main(arguments: list[str]) -> int:
    """Prints the results; there is no target."""
    parser = argparse.ArgumentParser(prog="bench-upkeep")
    parser.add_argument("--rows", type=int, default=100_000, help="comparisons of the large product")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    lines = ["| comparisons | command | CPU s | its peak, MiB | CPU s of jobs | CPU s of postgres | it said |"]
    lines.append("| ---: | --- | ---: | ---: | ---: | ---: | --- |")
    for count in (100, options.rows):
        # Without the dispatcher, so that `run-warmup` runs the queued jobs.
        with Stack(LOG_LEVEL="error", WORKER_SLOTS="2", DISPATCHER_ENABLED="false") as stack:
            for cost in [*_migrations(stack, count), *_schedules(stack, count)]:
                lines.append(_line(count, cost))
                print(lines[-1], flush=True)
            if count == options.rows:
                found = [f"| {what} | {peak / _MIB:,.0f} |" for what, peak in peaks(stack)]
    lines += ["", "| what jobs was given | its peak by then, MiB |", "| --- | ---: |", *found]
    print("\n".join(lines))
    if options.write:
        how = "; each comparison has a year of weeks, a job and an old one; the cache is empty; CPU time."
        write_section("upkeep", "Upkeep", how, lines)
    return 0


def _migrations(stack: Stack, count: int) -> Iterator[Cost]:
    """Migrates a separate database: empty, from the oldest revision with rows, and at the head."""
    url = stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE upkeep")
    own = make_conninfo(url, dbname="upkeep")
    environment = {**stack.environment, "DATABASE_URL": url.rpartition("/")[0] + "/upkeep"}
    yield measure(stack, "migrate", environment=environment)
    fill(own, count)
    yield measure(stack, "migrate", environment=environment)


def _schedules(stack: Stack, count: int) -> Iterator[Cost]:
    """As the CronJobs run them."""
    fill(stack.environment["DATABASE_URL"], count)
    yield measure(stack, "retention", "--days", "90")
    yield measure(stack, "refresh", "--max", "100")
    yield measure(stack, "run-warmup", "--max", "20")
    yield measure(stack, "sweep")


def _line(count: int, cost: Cost) -> str:
    servers = " | ".join(f"{cost.server_cpu[name]:.1f}" for name in ("jobs", "postgres"))
    return f"| {count:,} | {cost.command} | {cost.cpu:.1f} | {cost.peak / _MIB:,.0f} | {servers} | {cost.last_line} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
