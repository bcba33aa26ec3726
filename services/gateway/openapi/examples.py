"""The examples of the document, recorded by `make examples` from a run of the whole product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from services.gateway.http.problems import MEDIA_TYPE

PATH = Path(__file__).with_name("examples.json")

# Bodies and the document are arbitrary JSON.
Recorded = dict[str, dict[str, Any]]


class Examples(msgspec.Struct, frozen=True):
    """Recorded bodies by operation (`GET /api/jobs`), status and name; requests have no status."""

    answers: dict[str, dict[str, Recorded]]
    requests: dict[str, Recorded]
    problems: Recorded  # by slug


def recorded_examples() -> Examples:
    """The file's content."""
    return msgspec.json.decode(PATH.read_bytes(), type=Examples)


def attach(document: dict[str, Any]) -> None:
    """Adds each example next to its schema."""
    examples = recorded_examples()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            for status, recorded in examples.answers.get(name, {}).items():
                for content in operation["responses"][status]["content"].values():
                    content["examples"] = recorded
            if name in examples.requests:
                operation["requestBody"]["content"]["application/json"]["examples"] = examples.requests[name]
    problem = document["components"]["responses"]["Problem"]["content"][MEDIA_TYPE]
    problem["examples"] = examples.problems
