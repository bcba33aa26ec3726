"""Unsafe routes of the console, and forms that a page of it sends."""

from __future__ import annotations

import re
from html import unescape

import httpx
from pydantic import SecretStr

from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page

READ_SECRET = "a secret of the tests to read"
WITH_READER = {"operator_read_secret": SecretStr(READ_SECRET)}
UNSAFE = (
    "/ops/jobs/selected",
    "/ops/jobs/42",
    "/ops/bulk",
    "/ops/bulk/3/confirm",
    "/ops/bulk/3/abort",
)


async def send(world: World, path: str, **fields: str) -> httpx.Response:
    """Sends a form as an operator, with the token of a page of the console."""
    if not world.client.cookies:
        await log_in(world.client)
    token = form_token(page(await world.client.get("/ops/jobs")))
    return await world.client.post(path, data={"token": token, **fields}, headers=SAME_SITE)


def text_of(html: str) -> str:
    """A page without its tags and with single spaces."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))
