"""Writes the OpenAPI document as Markdown: `python -m services.gateway.openapi > docs/reference/rest.md`."""

from __future__ import annotations

import sys

from services.gateway.openapi.document import Document, document
from services.gateway.openapi.listing import Entry, entries


def markdown() -> str:
    """The REST interface in Markdown."""
    spec = document()
    parts = [
        "# REST",
        "<!-- Written by `make docs`. -->",
        spec["info"]["description"],
        "The OpenAPI 3.1 document is at `/openapi.json`, and as a page at `/docs`.",
        "## Routes",
        *(_operation(entry) for entry in entries(spec)),
        "## Errors",
        _problems(spec),
    ]
    return "\n\n".join(parts) + "\n"


def _operation(entry: Entry) -> str:
    access = " Requires `X-Warmup-Secret`." if entry.guarded else ""
    if entry.keyed:
        access = " Requires an API key where keys are configured: `X-API-Key`, or `Authorization: Bearer`."
    lines = [f"### `{entry.method} {entry.path}`", "", entry.summary + access]
    if entry.parameters or entry.body:
        lines.append("")
    lines += [f"- `{each.name}`: {each.description}" for each in entry.parameters]
    if entry.body:
        lines.append(f"- body: {', '.join(f'`{kind}`' for kind in entry.body)}")
    lines += ["", " · ".join(f"**{status}** {what}" for status, what in entry.answers)]
    if entry.problems:
        lines += ["", f"Errors: {', '.join(f'[{slug}](#errors)' for slug in entry.problems)}"]
    return "\n".join(lines)


def _problems(spec: Document) -> str:
    rows = [f"| `{each['type']}` | {each['status']} | {each['title']} |" for each in spec["x-problem-types"]]
    return "\n".join(["| `type` | status | title |", "| --- | --- | --- |", *rows])


if __name__ == "__main__":
    sys.stdout.write(markdown())
