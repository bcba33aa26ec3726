"""A page of jobs touches at most 60 pages, also if a fifth of the examined jobs match."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest

from benchmarks.console import pages
from benchmarks.console.pages import PageCounter, Touched
from benchmarks.console.rows import fill, scatter_jobs
from services.jobs.domain.queue import JobFilter
from tests.integration.jobs.queue.test_scale import LEFT_ALONE

JOBS = 100_000
MOST_OF_RARE = 100  # pages, if fewer match
MOST_EXAMINED = 5_100  # pages, if each examined job is read
OTHERS = 5  # pages of jobs that are not ready among a page of ready ones
FEW = ("slug", "error that none has", "queued", "running")  # filters that fewer jobs match than a page has


@pytest.mark.slow
# Before a vacuum the pages of indexes are half full, and milestones are looked up in the table.
@pytest.mark.parametrize(("planned", "most"), [("on what is there", pages.MOST), ("on empty tables", 70)])
async def test_lists_of_jobs_touch_few_pages(database_url: str, planned: str, most: int) -> None:
    with PageCounter.of(database_url) as database:
        if planned == "on empty tables":
            # These plans stay until the next analyze.
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(LEFT_ALONE)
            await counted(database, {**pages.JOBS, **pages.COMBINED})
        fill(database_url, jobs=JOBS, attempts=1_000, analyze=planned == "on what is there")
        if planned == "on what is there":
            scatter_jobs(database_url)
        found = await counted(database, {**pages.JOBS, **pages.COMBINED})
        rare = await counted(database, pages.RARE)
        unheld = await counted(database, pages.UNHELD)
    limits = {each.name: most + (OTHERS if each.name.startswith("ready") else 0) for each in found}
    assert {each.name: each.pages for each in found if each.pages > limits[each.name]} == {}
    assert {each.name: each.rows for each in found if each.rows < pages.ROWS and not each.name.startswith(FEW)} == {}
    assert {each.name: each.pages for each in rare if each.pages > MOST_OF_RARE} == {}
    assert {each.name: each.pages for each in unheld if each.pages > MOST_EXAMINED} == {}


async def counted(database: PageCounter, wanted: Mapping[str, JobFilter]) -> list[Touched]:
    return [each async for each in pages.of_jobs(database, wanted)]
