"""/docs: the API's documentation in the frame of the site."""

from __future__ import annotations

import re
from html import unescape

from pydantic import SecretStr

from services.common.errors import REASONS
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.pages.browser import log_in, page


async def test_the_headers(world: World) -> None:
    response = await world.client.get("/docs")
    page(response)
    assert "script-src 'self';" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-cache"
    again = await world.client.get("/docs", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


async def test_every_problem_has_its_anchor_and_every_id_is_unique(world: World) -> None:
    ids = re.findall(r' id="([^"]+)"', page(await world.client.get("/docs")))
    assert {reason.slug for reason in REASONS.values()} <= set(ids)
    assert len(ids) == len(set(ids))


async def test_the_type_of_a_problem_leads_to_its_anchor(world: World) -> None:
    problem = (await world.client.get("/api/comparisons?limit=none")).json()
    path, _, anchor = problem["type"].partition("#")
    assert f' id="{anchor}"' in page(await world.client.get(path))


async def test_every_get_of_the_document_has_a_curl_command(world: World) -> None:
    html = page(await world.client.get("/docs"))
    sections = {
        unescape(section.partition("</h3>")[0]).rpartition("</span> ")[2].removesuffix("</code>"): section
        for section in html.split('<section class="card route"')[1:]
        if '<span class="method">GET</span>' in section
    }
    paths = (await world.client.get("/openapi.json")).json()["paths"]
    assert list(sections) == [path for path, operations in paths.items() if "get" in operations]
    for path, section in sections.items():
        assert re.search(r"<code data-curl>curl (-N )?&#34;http://", section), path


async def test_no_inline_script_style_or_handler(world: World) -> None:
    html = page(await world.client.get("/docs"))
    tags = re.findall(r"<[a-z][^>]*>", html)
    assert not [tag for tag in tags if re.search(r"\s(?:on\w+|style)=", tag)]
    assert [tag for tag in tags if tag.startswith("<script")] == re.findall(
        r'<script type="module" src="/assets/documentation\.[0-9a-f]{12}\.js">', html
    )


async def test_the_script_makes_no_html_of_text(world: World) -> None:
    html = page(await world.client.get("/docs"))
    found = re.search(r'src="(/assets/documentation[^"]+)"', html)
    assert found
    script = (await world.client.get(found[1])).text
    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createHTML|DOMParser|eval\(", script)


async def test_the_public_origin_is_in_the_commands(open_world: OpenWorld) -> None:
    async with open_world(public_origin="https://warmcast.example") as world:
        html = page(await world.client.get("/docs", headers={"Host": "other.example"}))
        assert "https://warmcast.example/api/comparisons" in html
        assert "other.example" not in html


async def test_a_login_is_shown_and_its_page_is_private(world: World) -> None:
    await log_in(world.client)
    response = await world.client.get("/docs")
    assert "Ada (operator)" in page(response)
    assert response.headers["cache-control"] == "private, no-cache"


async def test_it_needs_no_key_and_its_form_has_a_field_for_one(open_world: OpenWorld) -> None:
    _, entry = new_api_key("shop", Rate(1_000, 1))
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        html = page(await world.client.get("/docs"))
        assert 'name="X-API-Key"' in html
        assert "X-API-Key: $API_KEY" in html


async def test_it_is_served_without_the_other_pages(open_world: OpenWorld) -> None:
    async with open_world() as world:
        content = page(await world.client.get("/docs")).partition("<main")[2]
    async with open_world(pages_enabled=False) as world:
        html = page(await world.client.get("/docs"))
        assert html.partition("<main")[2] == content
        assert not re.search(
            r'(?:href|action)="/(?:import|login|docs)?["?]', html.replace('class="brand" href="/"', "")
        )
        for name in re.findall(r'(?:href|src)="(/assets/[^"]+)"', html):
            assert (await world.client.get(name)).status_code == 200
