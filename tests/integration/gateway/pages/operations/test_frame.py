"""Who may open the console, and what all of its pages share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import READY, job
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.streams import Stream, streaming
from tests.integration.gateway.test_events import following, moves

PAGES = ["/ops", "/ops/jobs", "/ops/jobs/42", "/ops/bulk/3", "/ops/comparisons", "/ops/track-record", "/ops/audit"]
PARTS = [
    "/ops/events",
    "/ops/fragment",
    "/ops/jobs/42/fragment",
    "/ops/jobs/42/attempts.csv",
    "/ops/bulk/3/fragment",
    *(f"/ops/{name}/fragment" for name in ("jobs", "comparisons", "track-record", "audit")),
    *(f"/ops/{name}.csv" for name in ("jobs", "comparisons", "track-record", "track-record/confidence", "audit")),
]


@pytest.mark.parametrize("path", PAGES)
async def test_without_a_login_a_page_leads_to_the_form_and_back(world: World, path: str) -> None:
    response = await world.client.get(f"{path}?status=failed")
    assert response.status_code == 303
    form = await world.client.get(response.headers["location"])
    assert f'value="{path}?status=failed"' in page(form)


@pytest.mark.parametrize("path", PARTS)
async def test_without_a_login_a_part_is_refused(world: World, path: str) -> None:
    page(await world.client.get(path), 401)


@pytest.mark.parametrize("path", PAGES + PARTS)
async def test_an_api_key_opens_no_console(open_world: OpenWorld, path: str) -> None:
    key, entry = new_api_key("shop", Rate(10, 1))
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        await log_in(world.client, key)
        page(await world.client.get(path), 403)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_not_shared_between_logins(world: World, path: str) -> None:
    await log_in(world.client)
    response = await world.client.get(path)
    assert response.headers["cache-control"] == "private, no-cache"
    assert "cookie" in response.headers["vary"]
    assert 'aria-current="page"' in page(response)


async def test_the_site_leads_operators_to_the_console(world: World) -> None:
    assert 'href="/ops"' not in page(await world.client.get("/"))
    await log_in(world.client)
    assert 'href="/ops"' in page(await world.client.get("/"))


async def test_crawlers_stay_out(world: World) -> None:
    assert "Disallow: /ops" in (await world.client.get("/robots.txt")).text


async def test_the_stream_says_that_something_changed(world: World) -> None:
    async with following(world), operators_stream(world) as stream:
        assert await stream.block() == "retry: 2000"
        assert await stream.block() == CHANGED
        moves(world, job(READY, version=8))
        assert await stream.block() == CHANGED


async def test_changes_of_an_interval_are_one_event(world: World) -> None:
    # The interval begins when the first event is sent, which is before the test reads it.
    started = asyncio.get_running_loop().time()
    async with following(world), operators_stream(world) as stream:
        for _ in range(2):
            await stream.block()
        for version in range(8, 40):
            moves(world, job(READY, version=version))
        assert await stream.block() == CHANGED
        assert asyncio.get_running_loop().time() - started >= 1.0
        world.components.changes.close()
        assert await stream.block() is None


async def test_a_silent_stream_has_heartbeats(open_world: OpenWorld) -> None:
    async with open_world(event_heartbeat_seconds=0.05) as world, operators_stream(world) as stream:
        assert [await stream.block() for _ in range(3)] == ["retry: 2000", CHANGED, ": heartbeat"]


async def test_streams_have_a_limit(open_world: OpenWorld) -> None:
    async with open_world(event_streams=1) as world, operators_stream(world):
        page(await world.client.get("/ops/events"), 503)


CHANGED = "event: changed\ndata: {}"


@asynccontextmanager
async def operators_stream(world: World) -> AsyncIterator[Stream]:
    """The event stream of an operator."""
    await log_in(world.client)
    cookie = "; ".join(f"{name}={value}" for name, value in world.client.cookies.items())
    async with streaming(world.app, "", path="/ops/events", cookie=cookie) as stream:
        yield stream
