"""Forms that a page of the console sends, and the text of its pages."""

from __future__ import annotations

import re
from html import unescape

import httpx

from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page


async def send(world: World, path: str, **fields: str) -> httpx.Response:
    """Sends a form as an operator, with the token of a page of the console."""
    if not world.client.cookies:
        await log_in(world.client)
    token = form_token(page(await world.client.get("/ops/jobs")))
    return await world.client.post(path, data={"token": token, **fields}, headers=SAME_SITE)


def text_of(html: str) -> str:
    """A page without its tags and with single spaces."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))
