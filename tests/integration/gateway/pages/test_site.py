"""What holds for all pages: errors, assets, headers, and turning them off."""

from __future__ import annotations

import re

import pytest

from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.pages.browser import page
from tests.integration.gateway.pages.series import detail

HTML = {"Accept": "text/html,application/xhtml+xml"}


async def test_an_unknown_page_is_a_page_with_the_request_id(world: World) -> None:
    response = await world.client.get("/nothing", headers=HTML)
    assert response.headers["x-request-id"] in page(response, 404)


async def test_an_unknown_path_is_a_problem_for_other_clients(world: World) -> None:
    for path, headers in (("/nothing", {}), ("/api/nothing", HTML)):
        response = await world.client.get(path, headers=headers)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_keeps_its_allow_header(world: World) -> None:
    response = await world.client.post("/robots.txt", headers=HTML)
    page(response, 405)
    assert response.headers["allow"] == "GET, HEAD"


async def test_an_exceeded_rate_is_a_page(open_world: OpenWorld) -> None:
    async with open_world(anonymous_rate="1/60") as world:
        await world.client.get("/login")
        limited = await world.client.get("/login")
        assert "Try again in" in page(limited, 429)


async def test_assets_do_not_count_towards_a_rate(open_world: OpenWorld) -> None:
    async with open_world(anonymous_rate="2/60") as world:
        names = re.findall(r'"(/assets/[^"]+)"', page(await world.client.get("/login")))
        assert [(await world.client.get(name)).status_code for name in names * 3] == [200] * len(names) * 3
        page(await world.client.get("/login"))


async def test_assets_are_immutable_and_named_by_their_hash(world: World) -> None:
    html = page(await world.client.get("/login"))
    names = re.findall(r'(?:href|src)="(/assets/[^"]+)"', html)
    assert names
    for name in names:
        assert re.fullmatch(r"/assets/[a-z-]+\.[0-9a-f]{12}\.(css|js|svg)", name)
        response = await world.client.get(name)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
    page(await world.client.get("/assets/site.000000000000.css", headers=HTML), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/robots.txt",
        "/import/sample.csv",
        "/compare/Costco-vs-amazon",
        "/compare/amazon-vs-costco/data.csv",
        "/compare/amazon-vs-costco/data.json",
        "/compare/amazon-vs-costco/events",
        "/compare/amazon-vs-costco/fragment",
        "/api/comparison/premium?slug=amazon-vs-costco",
        "/api/nothing",
        "/openapi.json",
        "/healthz",
    ],
)
async def test_every_response_has_one_policy(world: World, path: str) -> None:
    world.reply(GetComparison=detail())
    response = await world.client.get(path)
    [policy] = response.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_crawlers_stay_out_of_comparisons(world: World) -> None:
    response = await world.client.get("/robots.txt")
    assert "Disallow: /compare" in response.text


async def test_only_the_api_has_cors_headers(open_world: OpenWorld) -> None:
    async with open_world(cors_origins="https://app.example") as world:
        response = await world.client.get("/login", headers={"Origin": "https://app.example"})
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/login", "/robots.txt"])
async def test_pages_can_be_turned_off(open_world: OpenWorld, path: str) -> None:
    async with open_world(pages_enabled=False) as world:
        assert (await world.client.get(path)).status_code == 404
        assert (await world.client.get("/")).headers["location"] == "/docs"
