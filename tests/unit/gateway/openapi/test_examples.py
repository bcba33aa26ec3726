"""Every JSON response and every error has an example that matches its schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types

from services.common.errors import REASONS
from services.gateway.http.problems import MEDIA_TYPE
from services.gateway.openapi.document import document_json
from services.gateway.openapi.examples import recorded_examples
from services.gateway.routes.event_stream import MEDIA_TYPE as EVENTS

DOCUMENT = json.loads(document_json())
KEPT = recorded_examples()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
# No request can cause an internal error.
WITHOUT_EXAMPLE = {"internal", "service-outdated"}  # no caller can cause them


def _contents() -> list[Any]:
    """The content of each JSON body of a request or response, without problems."""
    found = []
    for name, operation in OPERATIONS:
        bodies = [("request", operation.get("requestBody", {})), *operation["responses"].items()]
        for what, body in bodies:
            content = body.get("content", {}).get("application/json")
            if content and name != "GET /openapi.json":  # the document itself has no example
                found.append(pytest.param(content, id=f"{name} {what}"))
    return found


def _wrong(schema: dict[str, Any], value: object) -> list[str]:
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.mark.parametrize("content", _contents())
def test_every_body_has_examples_that_match_its_schema(content: dict[str, Any]) -> None:
    assert content["examples"], "make examples"
    for name, example in content["examples"].items():
        assert not _wrong(content["schema"], example["value"]), (name, "make examples")
        assert example["summary"]


def test_every_field_of_a_response_is_documented() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for name, operation in OPERATIONS:
        for status, kept in KEPT.answers.get(name, {}).items():
            content = operation["responses"][status]["content"].get("application/json")
            for example in kept.values() if content else ():
                alternatives = content["schema"].get("oneOf", [content["schema"]])
                documented = [schemas[each["$ref"].rpartition("/")[2]]["properties"] for each in alternatives]
                assert any(set(example["value"]) <= set(properties) for properties in documented), name


def test_events_match_their_schema() -> None:
    content = DOCUMENT["paths"]["/api/comparison/premium/events"]["get"]["responses"]["200"]["content"][EVENTS]
    for example in content["examples"].values():
        data = [line.removeprefix("data: ") for line in example["value"].splitlines() if line.startswith("data: ")]
        assert len(data) > 1
        for line in data:
            assert not _wrong(content["schema"]["contentSchema"], json.loads(line))


def test_every_error_that_a_caller_can_cause_has_an_example() -> None:
    named = {slug for _, operation in OPERATIONS for slug in operation.get("x-problems", ())}
    anywhere = {"cors-refused", "headers-too-large", "malformed-request", "method-not-allowed"}
    assert set(KEPT.problems) == (named | anywhere) - WITHOUT_EXAMPLE


@pytest.mark.parametrize("slug", KEPT.problems)
def test_the_example_of_an_error_has_its_type(slug: str) -> None:
    content = DOCUMENT["components"]["responses"]["Problem"]["content"][MEDIA_TYPE]
    problem = content["examples"][slug]["value"]
    assert not _wrong(content["schema"], problem)
    (reason,) = [reason for reason in REASONS.values() if reason.slug == slug]
    assert (problem["type"], problem["status"], problem["title"]) == (f"/docs#{slug}", reason.http_status, reason.title)
    assert problem["requestId"]


def test_every_recorded_example_belongs_to_an_operation() -> None:
    names = {name for name, _ in OPERATIONS}
    assert set(KEPT.answers) <= names
    assert set(KEPT.requests) <= names
