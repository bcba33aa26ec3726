"""What both pages show for an operation: parameters, body, responses, errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.gateway.openapi.document import Document
from services.gateway.routes.event_stream import MEDIA_TYPE as EVENTS


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    place: str  # path, query or header
    description: str  # with its bounds and default
    required: bool
    number: bool  # an integer
    choices: tuple[str, ...]  # all values; empty: any
    minimum: int | None
    maximum: int | None
    example: str


@dataclass(frozen=True)
class Entry:
    """One operation."""

    method: str
    path: str
    summary: str
    guarded: bool  # requires the warmup secret
    keyed: bool  # requires an API key where keys are configured
    streamed: bool  # answers with Server-Sent Events
    parameters: tuple[Parameter, ...]
    body: tuple[str, ...]  # content types
    answers: tuple[tuple[str, str], ...]  # (status, description)
    problems: tuple[str, ...]  # slugs
    examples: tuple[tuple[str, str, object], ...]  # (status, empty for requests; summary; body)


def entries(document: Document) -> Iterator[Entry]:
    """Every operation of the document, in its order."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Entry(
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                guarded=_requires(operation, "warmupSecret"),
                keyed=_requires(operation, "apiKey"),
                streamed=EVENTS in operation["responses"].get("200", {}).get("content", {}),
                parameters=tuple(_parameter(each) for each in operation.get("parameters", ())),
                body=tuple(operation.get("requestBody", {}).get("content", {})),
                answers=tuple(
                    (status, response["description"])
                    for status, response in operation["responses"].items()
                    if status != "default"
                ),
                problems=tuple(operation.get("x-problems", ())),
                examples=tuple(_examples(operation)),
            )


# A parameter and an operation are pieces of the document, which is arbitrary JSON.
def _requires(operation: dict[str, Any], scheme: str) -> bool:
    return any(scheme in each for each in operation.get("security", ()))


def _examples(operation: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    request = operation.get("requestBody", {}).get("content", {})
    responses = [(status, response.get("content", {})) for status, response in operation["responses"].items()]
    for status, contents in (("", request), *responses):
        for content in contents.values():
            for example in content.get("examples", {}).values():
                yield status, example["summary"], example["value"]


def _parameter(parameter: dict[str, Any]) -> Parameter:
    schema = parameter["schema"]
    return Parameter(
        name=parameter["name"],
        place=parameter["in"],
        description=_description(parameter),
        required=parameter.get("required", False),
        number=schema["type"] == "integer",
        choices=tuple(schema.get("enum", ())),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        example=str(next(iter(schema.get("examples", ())), "")),
    )


def _description(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    parts = [parameter.get("description") or schema.get("description", "")]
    if "enum" in schema:
        parts.append("one of " + ", ".join(schema["enum"]))
    if "maximum" in schema:
        parts.append(f"{schema['minimum']} to {schema['maximum']}")
    if "default" in schema:
        default = schema["default"]
        parts.append(f"default {str(default).lower() if isinstance(default, bool) else default}")
    parts.append({"path": "in the path", "header": "a header"}.get(parameter["in"], ""))
    if parameter.get("required") and parameter["in"] == "query":
        parts.append("required")
    return "; ".join(part for part in parts if part)
