"""Constructors of operations, and the parameters that several share."""

from __future__ import annotations

from services.gateway.openapi.schemas import TIMEFRAME
from services.gateway.openapi.shapes import Schema, integer, ref, text
from services.gateway.routes.requests.parameters import MAX_PAGE_SIZE

Operation = dict[str, object]

_GUARDED = ("unauthenticated", "secret-not-configured")
_UPSTREAM = ("unavailable", "deadline-exceeded", "busy", "internal")
_EVERYWHERE = ("rate-limited",)
WITH_BODY = ("unreadable-input", "too-large", "request-timeout", "unsupported-media-type")
KEYED: list[dict[str, list[str]]] = [{}, {"apiKey": []}, {"bearerKey": []}]
RATE_LIMITS: Schema = {
    name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit-Policy", "RateLimit", "X-Request-Id")
}


def query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema}


# The comparison of the recorded examples, which `make run` imports.
SLUG_EXAMPLES, TIMEFRAME_EXAMPLES = ["amzn-stock-price-vs-ibm-stock-price"], ["all"]
SLUG_IN_PATH: Schema = {
    "name": "slug",
    "in": "path",
    "required": True,
    "schema": text("the two terms, as in amazon-vs-costco", examples=SLUG_EXAMPLES),
}
WHERE = [
    query(
        "tf",
        {
            **TIMEFRAME,
            "description": f"{TIMEFRAME['description']}; also accepted as timeframe",
            "examples": TIMEFRAME_EXAMPLES,
        },
    ),
    query("geo", text("ISO 3166 code such as US or US-CA, or a metro area such as US-NY-501; empty is worldwide")),
]
LIMIT = query("limit", integer("page size", minimum=1, maximum=MAX_PAGE_SIZE, default=50))
CURSOR = query("cursor", text("nextCursor of the page before"))


def operation(
    summary: str,
    *,
    answers: dict[int, tuple[str, str]],
    errors: tuple[str, ...] = (),
    parameters: list[Schema] | None = None,
    body: dict[str, Schema] | None = None,
    guarded: bool = False,
    local: bool = False,
) -> Operation:
    """One operation; a `local` one calls no other service."""
    responses: dict[str, object] = {
        str(status): {
            "description": description,
            "headers": RATE_LIMITS,
            "content": {"application/json": {"schema": ref(name)}},
        }
        for status, (description, name) in answers.items()
    }
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    reasons = (*errors, *(_GUARDED if guarded else ()), *(() if local else (*_EVERYWHERE, *_UPSTREAM)))
    return {
        "summary": summary,
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": {"required": True, "content": content(body)}} if body else {}),
        **({"security": [{"warmupSecret": []}]} if guarded else {}),
        "responses": responses,
        "x-problems": list(dict.fromkeys(reasons)),
    }


def id_in_path(description: str) -> Schema:
    """The parameter `id` of a path."""
    return {"name": "id", "in": "path", "required": True, "schema": integer(description, minimum=1, examples=[1])}


def optional_body(described: Operation, name: str) -> Operation:
    """Adds a JSON body that may be missing."""
    described["requestBody"] = {"required": False, "content": content({"application/json": ref(name)})}
    return described


def accepted(described: Operation) -> Operation:
    """Adds the `Location` of the operation to the 202."""
    answer = responses_of(described)["202"]
    answer["headers"] = {**RATE_LIMITS, "Location": {"schema": text("the operation, for its progress")}}
    return described


def content(body: dict[str, Schema]) -> dict[str, object]:
    return {media_type: {"schema": schema} for media_type, schema in body.items()}


def with_headers(described: Operation, headers: Schema) -> dict[str, dict[str, object]]:
    """Adds headers to the 200, and a 304 with the same headers."""
    responses = responses_of(described)
    responses["200"] = {**responses["200"], "headers": {**RATE_LIMITS, **headers}}
    responses["304"] = {"description": "Not modified.", "headers": {**RATE_LIMITS, **headers}}
    return responses


def responses_of(described: Operation) -> dict[str, dict[str, object]]:
    responses = described["responses"]
    assert isinstance(responses, dict)  # noqa: S101 - for the type checker; _operation sets a dictionary
    return responses


def document(summary: str, media_type: str) -> Operation:
    return {
        "summary": summary,
        "responses": {"200": {"description": "The document.", "content": {media_type: {"schema": text()}}}},
    }
