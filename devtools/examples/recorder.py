"""Collects requests and answers as examples of operations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from devstack.processes.child import DevstackError

# Bodies are JSON of any shape.
Examples = dict[str, dict[str, Any]]


class Recorder:
    """Collects the content of `examples.json`."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = secrets
        self._answers: dict[str, dict[str, Examples]] = {}
        self._requests: dict[str, Examples] = {}
        self._problems: Examples = {}

    def answer(self, operation: str, name: str, summary: str, response: httpx.Response, status: int = 200) -> Any:
        """Adds an answer of an operation such as `GET /api/jobs`. Returns its JSON, or its text if it is not JSON."""
        if response.status_code != status:
            raise DevstackError(f"{operation} answered {response.status_code}, not {status}: {response.text[:500]}")
        is_json = response.headers["content-type"] == "application/json"
        value = response.json() if is_json else response.text
        self._answers.setdefault(operation, {}).setdefault(str(status), {})[name] = {"summary": summary, "value": value}
        return value

    def request(self, operation: str, name: str, summary: str, value: object) -> None:
        """Adds a JSON request body."""
        self._requests.setdefault(operation, {})[name] = {"summary": summary, "value": value}

    def problem(self, slug: str, summary: str, body: object) -> None:
        """Adds an error. Raises DevstackError if its type is another one."""
        if not isinstance(body, dict) or body.get("type") != f"/docs#{slug}":
            raise DevstackError(f"expected an example of {slug}, got: {str(body)[:500]}")
        self._problems[slug] = {"summary": summary, "value": body}

    def write(self, path: Path) -> None:
        """Writes all examples. Raises DevstackError if one contains a secret."""
        examples = {
            "answers": self._answers,
            "requests": self._requests,
            "problems": dict(sorted(self._problems.items())),
        }
        text = json.dumps(examples, indent=1, ensure_ascii=False) + "\n"
        if any(secret in text for secret in self._secrets):
            raise DevstackError("an answer contains a secret; nothing was written")
        path.write_text(text, encoding="utf-8")
