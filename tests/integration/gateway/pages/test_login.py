"""Log in and out: credentials, forms that other sites send, attempts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from services.common import errors
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conftest import SECRET, OpenWorld, World
from tests.integration.gateway.pages.browser import ORIGIN, SAME_SITE, form_token, log_in, page, stop_login_limits

READ_SECRET = "the secret to read"
API_KEY, ENTRY = new_api_key("shop", Rate(10, 1))
WRONG_SECRET = "not the secret of the tests"


@pytest.fixture
async def stopped_limits(open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A gateway whose limits of logins do not refill, however long the attempts take."""
    stop_login_limits(monkeypatch)
    async with open_world() as world:
        yield world


async def test_the_secret_logs_in_and_the_page_shows_the_name(world: World) -> None:
    response = await log_in(world.client, next="/login?next=/")
    assert (response.status_code, response.headers["location"]) == (303, "/login?next=/")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("warmcast=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    shown = await world.client.get("/login")
    assert "Ada (operator)" in page(shown)
    assert shown.headers["cache-control"] == "no-store"
    assert "cookie" in shown.headers["vary"]


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
async def test_behind_tls_the_cookie_is_secure(world: World, scheme: str, secure: bool) -> None:
    world.client.base_url = httpx.URL(f"{scheme}://gateway")
    form = {"name": "Ada", "credential": SECRET}
    response = await world.client.post("/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert response.headers["set-cookie"].startswith("__Host-warmcast=") is secure
    assert ("Secure" in response.headers["set-cookie"]) is secure
    shown = await world.client.get("/login")
    assert "Ada (operator)" in page(shown)
    assert ("strict-transport-security" in shown.headers) is secure


async def test_a_wrong_secret_shows_the_form_again(world: World) -> None:
    html = page(await log_in(world.client, WRONG_SECRET), 401)
    assert "The secret is wrong." in html
    assert 'value="Ada"' in html
    assert WRONG_SECRET not in html
    assert "set-cookie" not in (await log_in(world.client, WRONG_SECRET)).headers


async def test_an_error_stays_an_error_for_a_conditional_request(world: World) -> None:
    form = {"name": "Ada", "credential": WRONG_SECRET}
    response = await world.client.post("/login", data=form, headers={**SAME_SITE, "If-None-Match": "*"})
    page(response, 401)


@pytest.mark.parametrize("name", ["", "x" * 61, "a\x07b"])
async def test_a_name_is_short_and_printable(world: World, name: str) -> None:
    assert "Enter a name" in page(await log_in(world.client, name=name), 400)


@pytest.mark.parametrize("name", ["secret", "Secret", "secret (Ada)", "SECRET (Ada)"])
async def test_no_login_has_the_name_of_callers_of_the_api(world: World, name: str) -> None:
    assert "stands for callers of the API" in page(await log_in(world.client, name=name), 400)


async def test_a_name_is_text(world: World) -> None:
    await log_in(world.client, name="<script>alert(1)</script>")
    html = page(await world.client.get("/login"))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


async def test_an_api_key_logs_in_to_read(open_world: OpenWorld) -> None:
    key, entry = new_api_key("shop", Rate(10, 1))
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        assert (await log_in(world.client, key)).status_code == 303
        assert "Ada (read-only)" in page(await world.client.get("/login"))
        assert "The secret or key is wrong." in page(await log_in(world.client, key[:-1]), 401)


async def test_the_read_secret_logs_in_to_read(open_world: OpenWorld) -> None:
    async with open_world(operator_read_secret=SecretStr(READ_SECRET)) as world:
        assert "Warmup secret or read secret" in page(await world.client.get("/login"))
        assert (await log_in(world.client, READ_SECRET)).status_code == 303
        html = page(await world.client.get("/login"))
        assert "Ada (read-only operator)" in html
        fields = {"token": form_token(html)}
        refused = await world.client.post("/compare/a-vs-b/retry", data=fields, headers=SAME_SITE)
        assert errors.FORBIDDEN.title in page(refused, 403)
        assert not world.jobs.calls
        page(await log_in(world.client, READ_SECRET[:-1]), 401)


@pytest.mark.parametrize(
    ("credential", "path", "limited"),
    [
        (SECRET, "/ops/jobs/fragment", False),
        (READ_SECRET, "/ops/jobs/fragment", False),
        (API_KEY, "/compare", True),
        ("", "/compare", True),
    ],
    ids=["operator", "reader", "API key", "no login"],
)
async def test_only_an_operators_login_has_no_rate_limit(
    open_world: OpenWorld, credential: str, path: str, limited: bool
) -> None:
    configured = {"api_keys": SecretStr(ENTRY.entry()), "operator_read_secret": SecretStr(READ_SECRET)}
    async with open_world(**configured, anonymous_rate="2/3600") as world:
        if credential:
            assert (await log_in(world.client, credential)).status_code == 303
        statuses = [(await world.client.get(path)).status_code for _ in range(4)]
        assert (429 in statuses) == limited, statuses


async def test_without_a_secret_nothing_logs_in(open_world: OpenWorld) -> None:
    async with open_world(warmup_secret=None) as world:
        assert "WARMUP_SECRET" in page(await world.client.get("/login"), 503)
        page(await log_in(world.client), 503)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(world: World, headers: dict[str, str]) -> None:
    form = {"name": "Ada", "credential": SECRET}
    response = await world.client.post("/login", data=form, headers=headers)
    assert errors.FORM_REFUSED.title in page(response, 403)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("headers", [{"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}, SAME_SITE])
async def test_a_form_of_this_site_is_accepted(world: World, headers: dict[str, str]) -> None:
    form = {"name": "Ada", "credential": SECRET}
    assert (await world.client.post("/login", data=form, headers=headers)).status_code == 303


async def test_a_public_origin_replaces_the_host(open_world: OpenWorld) -> None:
    async with open_world(public_origin="https://trends.example") as world:
        form = {"name": "Ada", "credential": SECRET}
        accepted = await world.client.post("/login", data=form, headers={"Origin": "https://trends.example"})
        refused = await world.client.post("/login", data=form, headers={"Origin": ORIGIN})
        assert (accepted.status_code, refused.status_code) == (303, 403)


async def test_attempts_are_limited_by_address_and_never_locked(stopped_limits: World) -> None:
    world = stopped_limits
    statuses = [(await log_in(world.client, WRONG_SECRET)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    limited = await log_in(world.client)
    assert "Try again in" in page(limited, 429)
    assert 1 <= int(limited.headers["retry-after"]) <= 12


async def test_attempts_are_limited_over_all_addresses(stopped_limits: World) -> None:
    world = stopped_limits
    statuses = []
    for number in range(61):
        there = httpx.ASGITransport(world.app, client=(f"192.0.2.{number}", 1))
        async with httpx.AsyncClient(transport=there, base_url=ORIGIN) as client:
            statuses.append((await log_in(client, WRONG_SECRET)).status_code)
    assert statuses == [401] * 60 + [429]


async def test_logout_needs_the_token_and_clears_the_cookie(world: World) -> None:
    await log_in(world.client)
    token = form_token(page(await world.client.get("/login")))
    refused = await world.client.post("/logout", data={"token": token[::-1]}, headers=SAME_SITE)
    assert errors.FORM_REFUSED.title in page(refused, 403)
    assert "Ada (operator)" in page(await world.client.get("/login"))
    response = await world.client.post("/logout", data={"token": token}, headers=SAME_SITE)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert "Ada (operator)" not in page(await world.client.get("/login"))


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb"])
async def test_a_login_leads_to_this_site_only(world: World, target: str) -> None:
    assert (await log_in(world.client, next=target)).headers["location"] == "/"


async def test_the_api_does_not_accept_the_cookie(world: World) -> None:
    await log_in(world.client)
    response = await world.client.post("/api/jobs/sweep", headers=SAME_SITE)
    assert response.status_code == 401
