"""CORS: allowed and refused origins."""

from __future__ import annotations

import pytest

from services.common import errors
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import OpenWorld, World

PATH = "/api/comparison/premium?slug=amazon-vs-costco"
PAGE, OTHER = "https://app.example", "https://other.example"
ORIGINS = f"{PAGE}, http://localhost:3000"


def preflight(origin: str = PAGE, method: str = "GET", headers: str = "x-api-key, if-none-match") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_without_configured_origins_cors_is_off(world: World) -> None:
    response = await world.client.get(PATH, headers={"Origin": PAGE})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]
    refused(await world.client.options(PATH, headers=preflight()), errors.METHOD_NOT_ALLOWED)


async def test_a_configured_origin_may_call_and_read_headers(open_world: OpenWorld) -> None:
    async with open_world(cors_origins=ORIGINS) as world:
        allowed = await world.client.options(PATH, headers=preflight())
        assert (allowed.status_code, allowed.content) == (204, b"")
        assert allowed.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in allowed.headers
        response = await world.client.get(PATH, headers={"Origin": PAGE})
        conforming(response, "Premium")
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "Origin" in response.headers["vary"]
        assert "accept-encoding" in response.headers["vary"]
        exposed = response.headers["access-control-expose-headers"]
        assert {"ETag", "Retry-After", "RateLimit", "X-Request-Id"} <= set(exposed.split(", "))
        assert "access-control-allow-credentials" not in response.headers


async def test_a_configured_origin_can_read_errors(open_world: OpenWorld) -> None:
    async with open_world(cors_origins=ORIGINS, anonymous_rate="1/60") as world:
        for status in (200, 429):
            response = await world.client.get(PATH, headers={"Origin": PAGE})
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        (preflight(origin=OTHER), "origin"),
        (preflight(origin=f"{PAGE}.evil.example"), "origin"),
        (preflight(method="DELETE"), "method"),
        (preflight(headers="x-other"), "headers"),
    ],
)
async def test_a_preflight_of_another_origin_gets_a_problem(
    open_world: OpenWorld, sent: dict[str, str], wrong: str
) -> None:
    async with open_world(cors_origins=ORIGINS) as world:
        response = await world.client.options(PATH, headers=sent)
        assert refused(response, errors.CORS_REFUSED)["detail"].endswith(f": {wrong}")
        if wrong == "origin":
            assert "access-control-allow-origin" not in response.headers


async def test_another_origin_gets_no_cors_headers(open_world: OpenWorld) -> None:
    async with open_world(cors_origins=ORIGINS) as world:
        response = await world.client.get(PATH, headers={"Origin": OTHER})
        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers


async def test_any_origin_with_a_configured_star(open_world: OpenWorld) -> None:
    async with open_world(cors_origins="*") as world:
        assert (await world.client.options(PATH, headers=preflight(origin=OTHER))).status_code == 204
        response = await world.client.get(PATH, headers={"Origin": OTHER})
        assert response.headers["access-control-allow-origin"] == "*"
