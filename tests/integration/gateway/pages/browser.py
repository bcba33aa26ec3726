"""What a browser sends with forms, and what pages must answer."""

from __future__ import annotations

import re
from functools import partial
from html import unescape

import httpx
import pytest

from services.gateway.auth.rate_limits import RateLimiter
from tests.integration.gateway.conftest import SECRET

ORIGIN = "http://gateway"
SAME_SITE = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


def page(response: httpx.Response, status: int = 200) -> str:
    """The HTML of a page, after checks that hold for every page."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    text = response.text
    assert text.startswith("<!doctype html>")
    assert ' style="' not in text
    assert "<style" not in text
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)
    return text


async def log_in(
    client: httpx.AsyncClient, credential: str = SECRET, name: str = "Ada", **fields: str
) -> httpx.Response:
    """Sends the login form."""
    form = {"name": name, "credential": credential, **fields}
    return await client.post("/login", data=form, headers=SAME_SITE)


def stop_login_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops the clock of the limits of logins in gateways that are opened later."""
    monkeypatch.setattr("services.gateway.pages.login.RateLimiter", partial(RateLimiter, clock=lambda: 0.0))


def form_token(html: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found, "the page has no form with a token"
    return unescape(found[1])
