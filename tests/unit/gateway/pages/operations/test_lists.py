"""Filters in addresses, and lists as CSV."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from starlette.datastructures import QueryParams
from starlette.requests import Request

from services.common.errors import WarmcastError
from services.gateway.pages.operations.frame.lists import MAX_CSV_ROWS, Addresses, csv_download, read_filter


def test_empty_fields_and_unknown_ones_are_no_filter() -> None:
    query = QueryParams("status=failed&slug=&other=1&geo= US ")
    assert read_filter(query, ("status", "slug", "geo")) == {"status": "failed", "geo": "US"}


@pytest.mark.parametrize("query", ["geo=US&geo=DE", "geo=" + "x" * 101])
def test_a_repeated_or_long_field_is_refused(query: str) -> None:
    with pytest.raises(WarmcastError):
        read_filter(QueryParams(query), ("geo",))


def test_addresses_keep_the_filter() -> None:
    addresses = Addresses("/ops/jobs", {"slug": "a&b", "geo": "US"})
    assert addresses.page() == "/ops/jobs?slug=a%26b&geo=US"
    assert addresses.page("next/1") == "/ops/jobs?slug=a%26b&geo=US&cursor=next%2F1"
    assert addresses.fragment("x") == "/ops/jobs/fragment?slug=a%26b&geo=US&cursor=x"
    assert addresses.csv == "/ops/jobs.csv?slug=a%26b&geo=US"
    assert Addresses("/ops/audit", {}).csv == "/ops/audit.csv"


async def test_a_csv_ends_at_its_limit() -> None:
    pages = 0

    async def fetch(cursor: str) -> tuple[list[list[object]], str]:
        nonlocal pages
        pages += 1
        return [[pages, number] for number in range(300)], "more"

    request = Request({"type": "http", "headers": []})
    response = await csv_download(request, "jobs", ("page", "row"), fetch)
    assert len(bytes(response.body).splitlines()) == 1 + MAX_CSV_ROWS
    assert pages == 34


async def test_a_csv_is_private_and_may_be_compressed() -> None:
    async def fetch(cursor: str) -> tuple[list[list[object]], str]:
        return [["=1+1"]] * 1_000, ""

    request = Request({"type": "http", "headers": [(b"accept-encoding", b"gzip")]})
    response = await csv_download(request, "jobs", ("cell",), fetch)
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["vary"] == "accept-encoding, cookie"
    assert gzip.decompress(bytes(response.body)).decode("utf-8-sig").splitlines()[:2] == ["cell", "'=1+1"]


async def test_a_large_csv_does_not_block_other_requests() -> None:
    async def fetch(cursor: str) -> tuple[list[list[object]], str]:
        return [[number, "a cell"] * 5 for number in range(MAX_CSV_ROWS)], ""

    request = Request({"type": "http", "headers": []})
    download = asyncio.create_task(csv_download(request, "jobs", ("number", "cell"), fetch))
    turns = 0
    while not download.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(bytes((await download).body).splitlines()) == 1 + MAX_CSV_ROWS
    assert turns > 5, "other tasks wait for the download"
