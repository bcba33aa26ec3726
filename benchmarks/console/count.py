"""Counts the pages that lists of the operators' console touch: `make bench-console-pages`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.console import pages
from benchmarks.console.rows import DAYS, fill, scatter_jobs
from benchmarks.results import write_section
from devstack.stores.postgres import Postgres
from services.jobs.migrator import commands

_JOBS, _ATTEMPTS = 1_000_000, 3_000_000


def main(arguments: list[str]) -> int:
    """Prints a line for each list."""
    parser = argparse.ArgumentParser(prog="bench-console-pages")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    share = 10 if options.quick else 1
    jobs, attempts = _JOBS // share, _ATTEMPTS // share
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres")
        server.start()
        try:
            commands.upgrade(server.url)
            fill(server.url, jobs=jobs, attempts=attempts)
            scatter_jobs(server.url)
            counted = asyncio.run(_counted(server.url))
        finally:
            server.stop()
    lines = [f"| list | rows | pages | ≤ {pages.MOST} |", "| --- | ---: | ---: | --- |", *map(_line, counted)]
    print("\n".join(lines))
    if options.write:
        how = (
            f"; {jobs:,} jobs of {jobs // 10:,} comparisons, {attempts:,} attempts over {DAYS} days. Pages of tables "
            f"and indexes that a page of at most {pages.ROWS} rows touches, by EXPLAIN (ANALYZE, BUFFERS); neighbours "
            "in a list of jobs are on different pages of the table, as after years of updates."
        )
        write_section("console-pages", "Pages that lists touch", how, lines)
    return 0


async def _counted(url: str) -> list[pages.Touched]:
    """Each list; of those of jobs with two filters, only the page that touches most."""
    with pages.PageCounter.of(url) as database:
        wanted = {f"jobs, {name}": each for name, each in {**pages.JOBS, **pages.RARE, **pages.UNHELD}.items()}
        found = [each async for each in pages.of_jobs(database, wanted)]
        combined = [each async for each in pages.of_jobs(database, pages.COMBINED)]
        most = max(combined, key=lambda each: each.pages)
        found.append(replace(most, name=f"jobs, the most of {len(combined)} pages with two filters: {most.name}"))
        found += [each async for each in pages.of_records(database)]
        found += [each async for each in pages.of_comparisons(database)]
    return found


def _line(each: pages.Touched) -> str:
    held = "held" if each.pages <= pages.MOST else "**missed**"
    return f"| {each.name} | {each.rows} | {each.pages} | {held} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
