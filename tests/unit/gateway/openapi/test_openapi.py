"""The OpenAPI document, its page and `docs/reference/rest.md` match the application."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types

from services.common.errors import REASONS
from services.gateway.app import Components, middleware_stack, routing_table
from services.gateway.auth.api_keys import parse_api_keys
from services.gateway.auth.middleware import CallerRateLimit
from services.gateway.auth.sessions import Sessions
from services.gateway.bootstrap import build_components
from services.gateway.http import middleware
from services.gateway.http.cors import Cors
from services.gateway.openapi.__main__ import markdown
from services.gateway.openapi.document import document, document_json
from services.gateway.pages.routes import build_site
from services.gateway.pages.site import Site
from services.gateway.routes.requests.request_bodies import BodyBounds
from services.gateway.settings import GatewaySettings
from services.gateway.upstream import clients
from services.gateway.upstream.calls import Deadlines
from services.gateway.upstream.operations import Operations
from tests.paths import CHECKOUT

DOCUMENT = json.loads(document_json())
SESSIONS = Sessions((), parse_api_keys(""))


@pytest.fixture
async def components() -> AsyncIterator[Components]:
    deadlines = Deadlines(1, 1, 1)
    async with clients.open_jobs("127.0.0.1:1") as channel:
        jobs, forecaster = clients.Jobs(channel, deadlines), clients.Forecaster(channel, deadlines)
        operations = Operations(channel, deadlines)
        yield build_components(GatewaySettings(), jobs, forecaster, clients.WarmupWatch(channel), operations)


@pytest.fixture
def site() -> Site:
    return build_site(GatewaySettings(), BodyBounds(1, 1))


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object inside the document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(child)


async def test_the_document_has_the_applications_routes_and_methods(components: Components, site: Site) -> None:
    routes = {
        path: {method.lower() for method in handlers} for path, handlers in routing_table(components, site).items()
    }
    documented = {path: set(operations) - {"head"} for path, operations in DOCUMENT["paths"].items()}
    assert documented == routes
    assert "head" in DOCUMENT["paths"]["/api/comparison/premium"]


async def test_metrics_with_their_own_port_are_not_on_the_public_port(components: Components, site: Site) -> None:
    separate = replace(components, settings=GatewaySettings(metrics_port=9_100))
    assert "/metrics" not in routing_table(separate, site)
    assert "/metrics" not in document(metrics=False)["paths"]


def test_every_reference_resolves() -> None:
    references = [node["$ref"] for node in _nodes(DOCUMENT) if "$ref" in node]
    assert references
    for reference in references:
        place = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_path_parameters_match_the_path() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path


def test_documented_problems_are_known_reasons() -> None:
    slugs = {reason.slug for reason in REASONS.values()}
    used = {slug for node in _nodes(DOCUMENT["paths"]) for slug in node.get("x-problems", ())}
    assert used <= slugs
    assert {each["slug"] for each in DOCUMENT["x-problem-types"]} == slugs


def test_docs_rest_md_is_up_to_date() -> None:
    assert (CHECKOUT / "docs/reference/rest.md").read_text() == markdown(), "run `make docs`"


def test_the_order_of_the_middleware() -> None:
    async def app(_scope: object, _receive: object, _send: object) -> None: ...

    passed = [type(wrap(app)) for wrap in middleware_stack(GatewaySettings(), SESSIONS)]
    assert passed == [
        middleware.RequestContext,
        middleware.ErrorResponses,
        middleware.RequestTelemetry,
        middleware.ConcurrencyLimit,
        middleware.ErrorResponses,
    ]
    configured = middleware_stack(GatewaySettings(cors_origins="https://app.example", anonymous_rate="10"), SESSIONS)
    passed = [type(wrap(app)) for wrap in configured]
    assert passed == [
        middleware.RequestContext,
        middleware.ErrorResponses,
        middleware.RequestTelemetry,
        Cors,
        CallerRateLimit,
        middleware.ConcurrencyLimit,
        middleware.ErrorResponses,
    ]
