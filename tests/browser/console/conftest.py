"""A gateway with a filled console, and pages of it that are logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest
from playwright.async_api import Page
from pydantic import SecretStr

from tests.browser.conftest import OpenSite
from tests.browser.harness.console import console
from tests.browser.harness.job_queue import JobQueue
from tests.browser.harness.site import Site
from tests.integration.gateway.conftest import SECRET

READ_SECRET = "a secret of the tests to read"
OpenConsole: TypeAlias = Callable[..., Awaitable[Page]]


@pytest.fixture
async def site(open_site: OpenSite) -> AsyncIterator[Site]:
    """A gateway that accepts both secrets."""
    async with open_site(operator_read_secret=SecretStr(READ_SECRET)) as opened:
        yield opened


@pytest.fixture
def queue(site: Site) -> JobQueue:
    """The jobs of the gateway."""
    return console(site.world)


@pytest.fixture
def open_console(site: Site) -> OpenConsole:
    """Logs in, unless the context has a login, and opens a page of the console in a new tab."""

    async def opened(path: str = "/ops/jobs", credential: str = SECRET, on: Site = site) -> Page:
        page = await on.open(path)
        if "/login" in page.url:
            await on.log_in(page, credential)
        return page

    return opened
