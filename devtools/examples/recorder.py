"""Keeps what was sent and answered, under the operation that it is an example of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from devstack.processes.child import DevstackError

# Bodies are JSON of any shape.
Kept = dict[str, dict[str, Any]]


class Recorder:
    """What `examples.json` will hold."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = secrets
        self._answers: dict[str, dict[str, Kept]] = {}
        self._requests: dict[str, Kept] = {}
        self._problems: Kept = {}

    def answer(self, operation: str, name: str, summary: str, response: httpx.Response, status: int = 200) -> Any:
        """Keeps an answer; `operation` is such as `GET /api/jobs`. Returns its JSON, or its text where it is none."""
        if response.status_code != status:
            raise DevstackError(f"{operation} answered {response.status_code}, not {status}: {response.text[:500]}")
        is_json = response.headers["content-type"] == "application/json"
        value = response.json() if is_json else response.text
        self._answers.setdefault(operation, {}).setdefault(str(status), {})[name] = {"summary": summary, "value": value}
        return value

    def request(self, operation: str, name: str, summary: str, value: object) -> None:
        """Keeps a JSON body that was sent."""
        self._requests.setdefault(operation, {})[name] = {"summary": summary, "value": value}

    def problem(self, slug: str, summary: str, body: object) -> None:
        """Keeps an error. Raises DevstackError when it is another one."""
        if not isinstance(body, dict) or body.get("type") != f"/docs#{slug}":
            raise DevstackError(f"an example of {slug} was expected, and this is none: {str(body)[:500]}")
        self._problems[slug] = {"summary": summary, "value": body}

    def write(self, path: Path) -> None:
        """Writes all of it. Raises DevstackError when a secret is in it."""
        kept = {"answers": self._answers, "requests": self._requests, "problems": dict(sorted(self._problems.items()))}
        text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
        if any(secret in text for secret in self._secrets):
            raise DevstackError("an answer held a secret; nothing was written")
        path.write_text(text, encoding="utf-8")
