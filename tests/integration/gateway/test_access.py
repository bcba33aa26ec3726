"""API keys and rate limits: responses and log lines."""

from __future__ import annotations

import json

import httpx
import pytest
import structlog
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.common import errors
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import SECRET, OpenWorld, World

PATH = "/api/comparison/premium?slug=amazon-vs-costco"
EVENTS = "/api/comparison/premium/events?slug=amazon-vs-costco"
KEY, KEPT = new_api_key("partner", Rate(2, 60))
OTHER_KEY, OTHER = new_api_key("other", Rate(1000, 1))
CONFIGURED = SecretStr(f"{KEPT.entry()},{OTHER.entry()}")


async def test_without_configured_keys_premium_is_public_without_rate_headers(world: World) -> None:
    response = await world.client.get(PATH, headers={"X-API-Key": "whatever"})
    conforming(response, "Premium")
    assert "ratelimit" not in response.headers
    assert response.headers["vary"] == "accept-encoding"
    assert "private" not in response.headers["cache-control"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": KEY[:-1]},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"X-API-Key": KEPT.digest.hex()},
        {"X-Warmup-Secret": SECRET},
        {"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("HEAD", PATH), ("GET", EVENTS)])
async def test_with_configured_keys_premium_requires_one(
    open_world: OpenWorld, headers: dict[str, str], method: str, path: str
) -> None:
    async with open_world(api_keys=CONFIGURED) as world:
        response = await world.client.request(method, path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="warmcast"'
        if method == "GET":
            refused(response, errors.API_KEY_REQUIRED)
        assert not world.jobs.calls, "an unauthorised request makes no call"


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": OTHER_KEY}, {"Authorization": f"Bearer {OTHER_KEY}"}, {"Authorization": f"bearer  {OTHER_KEY}"}],
)
async def test_a_valid_key_gets_private_responses(open_world: OpenWorld, headers: dict[str, str]) -> None:
    async with open_world(api_keys=CONFIGURED) as world:
        response = await world.client.get(PATH, headers=headers)
        conforming(response, "Premium")
        assert response.headers["cache-control"].startswith("private, max-age=30")
        assert "x-api-key, authorization" in response.headers["vary"]
        again = await world.client.get(PATH, headers={**headers, "If-None-Match": response.headers["etag"]})
        assert again.status_code == 304
        assert "x-api-key, authorization" in again.headers["vary"]
        events = await world.client.get(EVENTS, headers=headers)
        assert events.status_code == 200
        assert "event: status" in events.text


async def test_other_routes_stay_public(open_world: OpenWorld) -> None:
    async with open_world(api_keys=CONFIGURED) as world:
        assert (await world.client.get("/api/comparisons")).status_code == 200
        assert (await world.operator.get("/api/jobs")).status_code == 200


async def test_a_key_is_rate_limited_across_routes(open_world: OpenWorld) -> None:
    async with open_world(api_keys=CONFIGURED) as world:
        sent = {"X-API-Key": KEY}
        first = await world.client.get(PATH, headers=sent)
        assert first.headers["ratelimit-policy"] == '"partner";q=2;w=60'
        assert first.headers["ratelimit"] == '"partner";r=1;t=30'
        assert (await world.client.get("/api/comparisons", headers=sent)).headers["ratelimit"] == '"partner";r=0;t=60'
        response = await world.client.get(PATH, headers=sent)
        problem = refused(response, errors.RATE_LIMITED)
        assert problem["detail"] == "the API key “partner” exceeded its rate of 2 requests within 60 s"
        assert response.headers["retry-after"] == "30"
        assert response.headers["ratelimit"] == '"partner";r=0;t=60'
        assert (await world.client.get(PATH, headers={"X-API-Key": OTHER_KEY})).status_code == 200
        assert (await world.client.get("/healthz", headers=sent)).status_code == 200, "probes pass"
        assert len(world.jobs.calls["GetWarmup"]) == 2, "the refused request made no call"


async def test_an_address_is_rate_limited_but_not_the_operator(open_world: OpenWorld) -> None:
    async with open_world(anonymous_rate="2/60") as world:
        for _ in range(2):
            assert (await world.client.get(PATH)).status_code == 200
        refused(await world.client.get(PATH), errors.RATE_LIMITED)
        guess = {"X-Warmup-Secret": "a guess"}
        refused(await world.client.get("/api/jobs", headers=guess), errors.RATE_LIMITED)
        operators = await world.operator.get("/api/jobs")
        assert operators.status_code == 200
        assert "ratelimit" not in operators.headers


async def test_a_wrong_key_counts_for_its_address(open_world: OpenWorld) -> None:
    async with open_world(anonymous_rate="2/60", api_keys=CONFIGURED) as world:
        for guess in ("a", "b"):
            refused(await world.client.get(PATH, headers={"X-API-Key": guess}), errors.API_KEY_REQUIRED)
        refused(await world.client.get(PATH, headers={"X-API-Key": "c"}), errors.RATE_LIMITED)
        assert (await world.client.get(PATH, headers={"X-API-Key": OTHER_KEY})).status_code == 200


async def _from(world: World, address: str) -> int:
    transport = world.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    there = httpx.ASGITransport(transport.app, client=(address, 1))
    async with httpx.AsyncClient(transport=there, base_url="http://gateway") as client:
        return (await client.get("/api/comparisons")).status_code


async def test_each_address_has_its_own_limit_and_ipv6_is_grouped_by_64(open_world: OpenWorld) -> None:
    async with open_world(anonymous_rate="1/60") as world:
        callers = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "not an address: at all"]
        assert [await _from(world, address) for address in callers] == [200] * 5
        same = ["192.0.2.1", "::ffff:192.0.2.2", "2001:db8::ffff:1", "2001:db8:0:1::9", "not an address: at all"]
        assert [await _from(world, address) for address in same] == [429] * 5


async def test_the_access_log_names_the_key_and_never_shows_it(open_world: OpenWorld) -> None:
    async with open_world(api_keys=CONFIGURED) as world:
        with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
            response = await world.client.get(
                f"{PATH}&token=hidden", headers={"X-API-Key": KEY, "X-Request-Id": "one", "X-Warmup-Secret": "hidden"}
            )
        (line,) = [each for each in lines if each["event"] == "request"]
    assert line["api_key"] == "partner"
    assert line["client"] == "127.0.0.1"
    assert line["bytes"] == int(response.headers["content-length"]) > 0
    assert line["request_id"] == "one"
    assert line["path"] == "/api/comparison/premium"
    said = json.dumps(lines, default=str)
    assert KEY not in said
    assert KEPT.digest.hex() not in said
    assert "hidden" not in said
