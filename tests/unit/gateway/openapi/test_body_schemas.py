"""The schemas that the body types generate equal those of `before_structs.json`, which were written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.gateway.openapi.document import document

DOCUMENT = json.loads(json.dumps(document()))
BEFORE = json.loads(Path(__file__).with_name("before_structs.json").read_text(encoding="utf-8"))
# Texts and the schemas of unnamed properties are not compared.
_IGNORED = {"title", "description", "default", "examples", "additionalProperties"}


def bodies(spec: dict[str, Any]) -> dict[str, object]:
    """Each body's schema, without references and in one canonical form, by operation and status."""
    schemas = spec["components"]["schemas"]
    found = {"problem": normal(schemas["Problem"], schemas)}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            parts = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for part, body in parts.items():
                for kind, content in body.get("content", {}).items():
                    schema = content["schema"].get("contentSchema", content["schema"])
                    found[f"{method} {path} {part} {kind}"] = normal(schema, schemas)
    return found


def normal(schema: dict[str, Any], schemas: dict[str, Any]) -> object:
    """One alternative, or the list of all: a nullable type can be written in three ways."""
    alternatives = sorted(_alternatives(schema, schemas), key=lambda each: json.dumps(each, sort_keys=True))
    if {"type": "number"} in alternatives and {"type": "integer"} in alternatives:
        alternatives.remove({"type": "integer"})
    return alternatives[0] if len(alternatives) == 1 else alternatives


def _alternatives(schema: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        schema = {**schemas[schema["$ref"].rpartition("/")[2]], **schema}
        del schema["$ref"]
    rest = {key: value for key, value in schema.items() if key not in _IGNORED}
    for union in ("anyOf", "oneOf"):
        if union in rest:
            each = rest.pop(union)
            assert not rest, rest
            return [found for part in each for found in _alternatives(part, schemas)]
    if isinstance(rest.get("type"), list):
        return [
            found
            for kind in rest["type"]
            for found in _alternatives({"type": "null"} if kind == "null" else {**rest, "type": kind}, schemas)
        ]
    if "const" in rest:
        rest = {"const": rest["const"]}
    if "items" in rest:
        rest["items"] = normal(rest["items"], schemas)
    if "properties" in rest:
        rest["properties"] = [[name, normal(each, schemas)] for name, each in rest["properties"].items()]
        rest["required"] = sorted(rest["required"])
    return [rest]


def test_the_same_bodies_are_documented() -> None:
    assert list(bodies(DOCUMENT)) == list(BEFORE["bodies"])


@pytest.mark.parametrize("name", BEFORE["bodies"])
def test_a_body_has_the_properties_types_limits_and_order_of_before(name: str) -> None:
    assert bodies(DOCUMENT)[name] == BEFORE["bodies"][name]


def test_the_rest_of_the_document_is_as_before() -> None:
    assert without_bodies(DOCUMENT) == BEFORE["paths"]


def without_bodies(spec: dict[str, Any]) -> Any:
    """Methods by path, with parameters (without their texts) and the statuses of responses."""
    return {
        path: {
            method: {
                "parameters": [_without_text(each) for each in operation.get("parameters", ())],
                "statuses": list(operation["responses"]),
            }
            for method, operation in operations.items()
        }
        for path, operations in spec["paths"].items()
    }


def _without_text(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in parameter["schema"].items() if key not in ("description", "examples")}
    return {"name": parameter["name"], "in": parameter["in"], "required": parameter.get("required"), "schema": schema}
