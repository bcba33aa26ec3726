"""The gateway of a test on a port of its own, and a browser context that opens its pages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from playwright.async_api import BrowserContext, Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send
from warmcast.jobs.v1 import jobs_pb2

from devstack.stores.ports import LOOPBACK
from services.gateway.bootstrap import server_options
from services.gateway.http import server
from services.gateway.http.connection.protocol import connection_class
from tests.browser.harness.sample import PATH, SLUG, TIMEFRAME, held, warmed
from tests.browser.harness.watch import Watch
from tests.integration.gateway.conftest import SECRET, World
from tests.integration.gateway.data import HASH
from tests.waiting import wait_until_async


class Requests:
    """ASGI middleware that counts requests by path: all, and those that are open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.all: Counter[str] = Counter()
        self.open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        path = scope["path"]
        self.all[path] += 1
        self.open[path] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.open[path] -= 1


class Balanced:
    """ASGI application that sends each request to the next of several gateways, as a load balancer does."""

    def __init__(self, *apps: ASGIApp) -> None:
        self._apps = apps
        self._next = 0
        self.gone: set[int] = set()  # gateways that get no more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        left = [index for index in range(len(self._apps)) if index not in self.gone]
        chosen = left[self._next % len(left)]
        self._next += 1
        await self._apps[chosen](scope, receive, send)


@dataclass
class Site:
    """A served gateway, its fake services, and one browser context."""

    world: World
    origin: str
    requests: Requests
    context: BrowserContext
    watch: Watch
    events: str = f"/compare/{SLUG}/events"  # path of the stream

    async def open(self, path: str = PATH) -> Page:
        """Opens a new tab at `path`."""
        page = await self.context.new_page()
        await page.goto(self.origin + path)
        return page

    def move(self, row: jobs_pb2.WarmupJob, forecasts: Any = None, **more: Any) -> None:
        """Sets the job's row and the forecasts, and publishes the change."""
        self.world.reply(GetWarmup=warmed(row, **more), GetForecasts=held(forecasts))
        key = jobs_pb2.ComparisonKey(slug=SLUG, timeframe=TIMEFRAME, geo="")
        change = jobs_pb2.WarmupChange(key=key, data_hash=HASH, status=row.status, version=row.version)
        self.world.jobs.publish(jobs_pb2.WatchWarmupsResponse(changes=[change]))

    async def log_in(self, page: Page, credential: str = SECRET, name: str = "Ada") -> None:
        """Fills the login form of `page`, sends it, and waits for the next page."""
        await page.get_by_label("Your name").fill(name)
        await page.get_by_label("secret").fill(credential)
        async with page.expect_navigation():
            await page.get_by_role("button", name="Log in").click()

    async def streams(self, number: int) -> None:
        """Waits until so many event streams are open."""

        async def reached() -> bool:
            return self.requests.open[self.events] == number

        await wait_until_async(reached, 30, f"{number} open event streams")


async def expect_state(page: Page, state: str) -> None:
    """Waits until the page shows the forecast's state."""
    await expect(page.locator("#state")).to_have_attribute("data-state", state)


@asynccontextmanager
async def served(world: World, app: ASGIApp | None = None) -> AsyncIterator[tuple[str, Requests]]:
    """Serves the gateway as its process does, with its change feed; yields the origin and the counted requests.

    `app` is what receives the requests, instead of the world's application.
    """
    requests = Requests(app or world.app)
    listening = server.listen(LOOPBACK, 0)
    config = uvicorn.Config(
        requests,
        lifespan="off",
        ws="none",
        http=connection_class(server_options(world.components.settings).bounds),
        access_log=False,
        log_config=None,
        log_level="error",
        server_header=False,
    )
    running = uvicorn.Server(config)
    changes = asyncio.create_task(world.components.changes.run())
    serving = asyncio.create_task(running.serve(sockets=[listening]))
    try:
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}", requests
    finally:
        world.components.changes.close()
        running.should_exit = running.force_exit = True
        await serving
        changes.cancel()
        await asyncio.gather(changes, return_exceptions=True)
