"""Writes docs/reference/rest.md: `python -m services.gateway.openapi > docs/reference/rest.md`."""

from __future__ import annotations

import sys

from services.gateway.openapi.document import Document, document
from services.gateway.openapi.listing import Entry, entries


def markdown() -> str:
    """The REST interface in Markdown."""
    shown = document()
    parts = [
        "# REST",
        "<!-- Made by `python -m services.gateway.openapi > docs/reference/rest.md`; a test holds both together. -->",
        shown["info"]["description"],
        "The same for machines is at `/openapi.json`, and as a page at `/docs`.",
        "## Routes",
        *(_operation(entry) for entry in entries(shown)),
        "## Errors",
        _problems(shown),
    ]
    return "\n\n".join(parts) + "\n"


def _operation(entry: Entry) -> str:
    needs = " Needs `X-Warmup-Secret`." if entry.guarded else ""
    if entry.keyed:
        needs = " Needs an API key where keys are configured: `X-API-Key`, or `Authorization: Bearer`."
    lines = [f"### `{entry.method} {entry.path}`", "", entry.summary + needs]
    if entry.parameters or entry.body:
        lines.append("")
    lines += [f"- `{name}`: {what}" for name, what in entry.parameters]
    if entry.body:
        lines.append(f"- body: {', '.join(f'`{kind}`' for kind in entry.body)}")
    lines += ["", " · ".join(f"**{status}** {what}" for status, what in entry.answers)]
    if entry.problems:
        lines += ["", f"Errors: {', '.join(f'[{slug}](#errors)' for slug in entry.problems)}"]
    return "\n".join(lines)


def _problems(shown: Document) -> str:
    rows = [f"| `{each['type']}` | {each['status']} | {each['title']} |" for each in shown["x-problem-types"]]
    return "\n".join(["| `type` | status | title |", "| --- | --- | --- |", *rows])


if __name__ == "__main__":
    sys.stdout.write(markdown())
