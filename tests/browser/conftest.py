"""One browser for the run; for each test a gateway of its own and an empty browser context, which is watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import pytest
from playwright.async_api import Browser, expect

from tests.browser.harness.chromium import chromium, require_chromium
from tests.browser.harness.sample import held, ready, series, warmed
from tests.browser.harness.site import Site, served
from tests.browser.harness.watch import Watch
from tests.integration.gateway.conftest import opened_world
from tests.integration.gateway.data import READY, job

# Playwright's 5 s are short on a busy machine.
expect.set_options(timeout=30_000)

OpenSite: TypeAlias = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once."""
    async with chromium(require_chromium()) as started:
        yield started


@pytest.fixture
def open_site(browser: Browser) -> OpenSite:
    """Serves a gateway with the settings of a test, and opens a context with its options."""

    @asynccontextmanager
    async def opened(options: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Site]:
        async with opened_world(**settings) as world, served(world) as (origin, requests):
            world.reply(GetWarmup=warmed(job(READY)), GetComparison=series(), GetForecasts=held(ready()))
            async with await browser.new_context(**(options or {})) as context:
                watch = Watch(origin)
                await watch.attach(context)
                yield Site(world, origin, requests, context, watch)
            watch.check()

    return opened


@pytest.fixture
async def site(open_site: OpenSite) -> AsyncIterator[Site]:
    """A gateway with default settings, and a context of 1280 by 720 px."""
    async with open_site() as opened:
        yield opened
