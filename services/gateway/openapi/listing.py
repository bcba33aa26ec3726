"""What both pages say of an operation: its parameters, body, answers and errors, as plain rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.gateway.openapi.document import Document


@dataclass(frozen=True)
class Entry:
    """One operation in words."""

    method: str
    path: str
    summary: str
    guarded: bool  # needs the warmup secret
    keyed: bool  # needs an API key where keys are configured
    parameters: tuple[tuple[str, str], ...]  # (name, what it is)
    body: tuple[str, ...]  # content types that it takes
    answers: tuple[tuple[str, str], ...]  # (status, what it means)
    problems: tuple[str, ...]  # slugs
    examples: tuple[tuple[str, str, object], ...]  # (status, empty for what is sent; what it shows; the body)


def entries(document: Document) -> Iterator[Entry]:
    """Every operation of the document, in its order."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Entry(
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                guarded=_takes(operation, "warmupSecret"),
                keyed=_takes(operation, "apiKey"),
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


# A parameter and an operation are pieces of the document, which is JSON of any shape.
def _takes(operation: dict[str, Any], scheme: str) -> bool:
    return any(scheme in each for each in operation.get("security", ()))


def _examples(operation: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    sent = operation.get("requestBody", {}).get("content", {})
    answered = [(status, response.get("content", {})) for status, response in operation["responses"].items()]
    for status, contents in (("", sent), *answered):
        for content in contents.values():
            for example in content.get("examples", {}).values():
                yield status, example["summary"], example["value"]


def _parameter(parameter: dict[str, Any]) -> tuple[str, str]:
    schema = parameter["schema"]
    words = [parameter.get("description") or schema.get("description", "")]
    if "enum" in schema:
        words.append("one of " + ", ".join(schema["enum"]))
    if "maximum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    if "default" in schema:
        words.append(f"default {schema['default']}")
    words.append({"path": "in the path", "header": "a header"}.get(parameter["in"], ""))
    if parameter.get("required") and parameter["in"] == "query":
        words.append("required")
    return parameter["name"], "; ".join(word for word in words if word)
