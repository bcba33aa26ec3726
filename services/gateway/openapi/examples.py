"""The examples of the document, as `make examples` took them from a run of the whole product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from services.gateway.http.problems import MEDIA_TYPE

PATH = Path(__file__).with_name("examples.json")

# Bodies and the document are JSON of any shape.
Kept = dict[str, dict[str, Any]]


class Examples(msgspec.Struct, frozen=True):
    """What was kept: by operation such as `GET /api/jobs`, status and name; requests without a status."""

    answers: dict[str, dict[str, Kept]]
    requests: dict[str, Kept]
    problems: Kept  # by slug


def kept_examples() -> Examples:
    """The file's content."""
    return msgspec.json.decode(PATH.read_bytes(), type=Examples)


def attach(document: dict[str, Any]) -> None:
    """Puts each example beside the schema that it is an example of."""
    examples = kept_examples()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            for status, kept in examples.answers.get(name, {}).items():
                for content in operation["responses"][status]["content"].values():
                    content["examples"] = kept
            if name in examples.requests:
                operation["requestBody"]["content"]["application/json"]["examples"] = examples.requests[name]
    problem = document["components"]["responses"]["Problem"]["content"][MEDIA_TYPE]
    problem["examples"] = examples.problems
