"""The middleware, and the gateway's own routes."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from structlog.testing import capture_logs
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import OpenWorld, World
from tests.waiting import wait_until_async


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/comparison/premium/event", "/api/forecast/trust", "/api/jobs/1/walk", "/docs/"]
)
async def test_an_unknown_path_is_a_problem(world: World, path: str) -> None:
    refused(await world.client.get(path), errors.NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/comparison/premium", "GET, HEAD"),
        ("GET", "/api/comparison/warmup", "POST"),
        ("DELETE", "/api/comparisons", "GET, HEAD, POST"),
        ("POST", "/api/comparisons/a-vs-b", "GET, HEAD, PUT"),
        ("OPTIONS", "/docs", "GET, HEAD"),
        ("BREW", "/healthz", "GET, HEAD"),
    ],
)
async def test_an_unsupported_method_gets_405(world: World, method: str, path: str, allow: str) -> None:
    response = await world.operator.request(method, path)
    refused(response, errors.METHOD_NOT_ALLOWED)
    assert response.headers["allow"] == allow


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 128])
async def test_a_valid_request_id_is_kept(world: World, given: str) -> None:
    response = await world.client.get("/healthz", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "<script>"])
async def test_an_invalid_request_id_is_replaced(world: World, given: str) -> None:
    response = await world.client.get("/healthz", headers={"X-Request-Id": given})
    assert len(response.headers["x-request-id"]) == 32


async def test_a_trace_is_propagated_to_calls_and_to_the_log(world: World) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        await world.client.get("/api/comparisons", headers={"Traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    sent = str(world.jobs.only("ListComparisons").metadata["traceparent"])
    version, trace_id, span_id, flags = sent.split("-")
    assert (version, trace_id, flags) == ("00", trace, "01")
    assert span_id != "b7ad6b7169203331", "the gateway's own span"
    (line,) = [each for each in lines if each["event"] == "request"]
    assert (line["trace_id"], line["span_id"]) == (trace, span_id)


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
        ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] * 2,
        ["rubbish"],
    ],
)
async def test_without_a_valid_trace_a_new_one_begins(world: World, given: list[str]) -> None:
    await world.client.get("/api/comparisons", headers=[("Traceparent", each) for each in given])
    trace_id = str(world.jobs.only("ListComparisons").metadata["traceparent"]).split("-")[1]
    assert len(trace_id) == 32
    assert trace_id.lower() == trace_id != "0af7651916cd43dd8448eb211c80319c"


async def test_a_crash_in_a_route_reveals_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_page: object) -> None:
        raise RuntimeError("postgresql://user:password@host")

    monkeypatch.setattr("services.gateway.bodies.comparisons.comparison", crash)
    world.reply(ListComparisons=jobs_pb2.ListComparisonsResponse(comparisons=[jobs_pb2.Comparison()]))
    response = await world.client.get("/api/comparisons")
    problem = refused(response, errors.INTERNAL)
    assert "password" not in response.text
    assert "Traceback" not in response.text
    assert "request id" in problem["detail"]


@pytest.mark.parametrize(
    "middleware",
    [
        "http.middleware.RequestTelemetry",
        "http.cors.Cors",
        "auth.middleware.CallerRateLimit",
        "http.middleware.ConcurrencyLimit",
    ],
)
async def test_a_crash_in_the_middleware_reveals_nothing(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch, middleware: str
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("postgresql://user:password@host")

    monkeypatch.setattr(f"services.gateway.{middleware}.__call__", crash)
    async with open_world(cors_origins="*", anonymous_rate="10") as world:
        with capture_logs() as lines:
            response = await world.client.get("/healthz", headers={"X-Request-Id": "one"})
    assert refused(response, errors.INTERNAL)["requestId"] == response.headers["x-request-id"] == "one"
    assert "password" not in response.text
    logged = [line["status"] for line in lines if line["event"] == "request"]
    assert logged == ([] if middleware == "http.middleware.RequestTelemetry" else [500])


async def test_a_crash_in_jobs_reveals_nothing(world: World) -> None:
    world.reply(ListComparisons=WarmcastError(errors.INTERNAL, "internal error"))
    refused(await world.client.get("/api/comparisons"), errors.INTERNAL)
    world.reply(ListComparisons=WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable", retry_after=2))
    response = await world.client.get("/api/comparisons")
    refused(response, errors.UNAVAILABLE)
    assert response.headers["retry-after"] == "2"


async def test_requests_above_the_limit_get_503_and_probes_pass(open_world: OpenWorld) -> None:
    async with open_world(max_in_flight=1) as world:
        going = asyncio.Event()

        async def slow(_request: object) -> jobs_pb2.ListComparisonsResponse:
            await going.wait()
            return jobs_pb2.ListComparisonsResponse()

        async def has_arrived() -> bool:
            return bool(world.jobs.calls["ListComparisons"])

        world.reply(ListComparisons=slow)
        first = asyncio.create_task(world.client.get("/api/comparisons"))
        await wait_until_async(has_arrived, 30, "the first request is in flight")
        response = await world.client.get("/api/comparisons")
        refused(response, errors.BUSY)
        assert "retry-after" in response.headers
        assert (await world.client.get("/healthz")).status_code == 200
        going.set()
        assert (await first).status_code == 200
        assert (await world.client.get("/api/comparisons")).status_code == 200


async def test_health_and_readiness(world: World) -> None:
    assert conforming(await world.client.get("/healthz"), "Health") == {"status": "ok"}
    assert conforming(await world.client.get("/readyz"), "Health") == {"status": "ready"}
    world.readiness.ready = False
    refused(await world.client.get("/readyz"), errors.UNAVAILABLE)
    assert (await world.client.get("/healthz")).status_code == 200
    assert not world.jobs.calls


async def test_metrics_count_by_the_routes_template(world: World) -> None:
    await world.client.get("/api/comparisons/amazon-vs-costco")
    await world.client.get("/nothing/at/all")
    response = await world.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    counted = 'warmcast_gateway_requests_total{method="GET",route="%s",status="%s"}'
    assert counted % ("/api/comparisons/{slug}", 200) in response.text
    assert counted % ("none", 404) in response.text
    assert "amazon-vs-costco" not in response.text


async def test_metrics_are_not_on_the_public_port(open_world: OpenWorld) -> None:
    async with open_world(metrics_port=9_100) as world:
        refused(await world.client.get("/metrics"), errors.NOT_FOUND)
        assert "/metrics" not in (await world.client.get("/openapi.json")).json()["paths"]


async def test_the_openapi_document(world: World) -> None:
    document = await world.client.get("/openapi.json")
    assert document.json()["openapi"] == "3.1.0"


async def test_probes_and_pages_support_head(world: World) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/api/comparisons"):
        response = await world.client.head(path)
        assert (response.status_code, response.content) == (200, b""), path
