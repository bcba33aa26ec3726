"""Searches within slugs, with the extension and the index of docs/how-to/operate.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from services.jobs.domain.comparison import ComparisonSearch
from services.jobs.postgres.driver.connection import PLANNING
from services.jobs.postgres.search import Search
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.queue.test_scale import Recorder
from tests.paths import CHECKOUT

INDEX = "term_pairs_slug_trigrams_idx"
# Slugs without a common part, as of real terms.
FILL = """
INSERT INTO term_pairs (slug, term_a, term_b)
SELECT md5(n::text) || '-vs-' || md5((-n)::text), md5(n::text), md5((-n)::text) FROM generate_series(1, 5000) AS n
"""


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the extension and its index, as the documentation creates them."""
    page = (CHECKOUT / "docs" / "how-to" / "operate.md").read_text(encoding="utf-8")
    documented = re.search(r"```sql\n(CREATE EXTENSION pg_trgm;\nCREATE INDEX .*?)```", page, re.DOTALL)
    assert documented
    with psycopg.connect(database_url, autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchall():
            pytest.skip("this PostgreSQL has no pg_trgm")
        for statement in documented[1].strip().split("\n"):
            connection.execute(statement.encode())
    return database_url


async def found(search: Search, query: str) -> list[str]:
    """The slugs that a search finds."""
    return [each.slug for each in await search.comparisons(ComparisonSearch(query), limit=10, after=None)]


async def test_any_part_of_three_characters_is_found(url: str, store: Store) -> None:
    for term in ("water", "green tea", "100%_real"):
        await store.comparison(term)
    search = Search(store.database)
    for query, slugs in (
        ("ater", ["costco-vs-water"]),
        ("een-t", ["costco-vs-green-tea"]),
        ("ostc", ["100real-vs-costco", "costco-vs-green-tea", "costco-vs-water"]),
        ("rea", ["100real-vs-costco"]),
        ("te", []),
        ("gr", ["costco-vs-green-tea"]),
        ("xyz", []),
    ):
        assert await found(search, query) == slugs, query
    summaries = await search.summaries(ComparisonSearch("ostc"), limit=10, after=("costco-vs-green-tea", "12m", ""))
    assert [each.listed.slug for each in summaries] == ["costco-vs-water"]


async def test_a_process_that_found_the_extension_searches_without_it_too(url: str, store: Store) -> None:
    await store.comparison("water")
    search = Search(store.database)
    assert await found(search, "ater") == ["costco-vs-water"]
    await store.execute(f"DROP INDEX {INDEX}")
    await store.execute("DROP EXTENSION pg_trgm")
    assert await found(search, "ater") == ["costco-vs-water"]
    assert await found(Search(store.database), "ater") == [], "after a restart"


@pytest.mark.parametrize("after", [None, ("a-vs-b", "12m", "")])
async def test_the_index_is_used(url: str, after: tuple[str, str, str] | None) -> None:
    recorder = Recorder()
    search = Search(recorder)
    search.trigrams = True
    await search.comparisons(ComparisonSearch("abcde"), limit=20, after=after)
    await search.summaries(ComparisonSearch("abcde"), limit=20, after=after)
    with psycopg.connect(url, autocommit=True, row_factory=tuple_row) as connection:
        connection.execute(FILL)
        connection.execute("ANALYZE")
        connection.execute(PLANNING)
        for statement, parameters in recorder.statements:
            scans = _scans(connection, statement, parameters)
            assert ("Index Scan", INDEX) in scans or ("Index Only Scan", INDEX) in scans, scans


def _scans(
    connection: psycopg.Connection[tuple[Any, ...]], statement: str, parameters: Mapping[str, Any]
) -> list[tuple[str, str | None]]:
    """Kind and index of each node that reads term_pairs."""
    [(plans,)] = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
    nodes, read = [plans[0]["Plan"]], []
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "term_pairs":
            read.append((node["Node Type"], node.get("Index Name")))
    return read
