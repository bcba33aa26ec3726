"""Checks responses against the OpenAPI document that the gateway serves."""

from __future__ import annotations

import json
from typing import Any

import httpx
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types

from services.common.errors import Reason
from services.gateway.openapi.document import document_json

_DOCUMENT = json.loads(document_json())


def conforming(response: httpx.Response, schema: str, status: int = 200) -> Any:
    """The body, after the status and the shape were checked; no field that the document does not name."""
    assert response.status_code == status, response.text
    body = response.json()
    reference = {"$ref": f"#/components/schemas/{schema}", "components": _DOCUMENT["components"]}
    Draft202012Validator(reference).validate(body)
    assert set(body) <= set(_DOCUMENT["components"]["schemas"][schema]["properties"])
    return body


def refused(response: httpx.Response, reason: Reason, *fields: str) -> Any:
    """The problem, after everything that every problem has was checked."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = conforming(response, "Problem", reason.http_status)
    assert problem["type"] == f"/docs#{reason.slug}", problem
    assert problem["title"] == reason.title
    assert problem["status"] == reason.http_status
    assert problem["requestId"] == response.headers["x-request-id"]
    assert tuple(each["field"] for each in problem.get("errors", ())) == fields, problem
    return problem
