"""The document as one HTML page without scripts or external resources."""

from __future__ import annotations

import base64
import hashlib
from html import escape

import msgspec

from services.gateway.openapi.document import Document, document
from services.gateway.openapi.listing import Entry, entries

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
td:first-child { width: 14rem; }
h3 { margin-top: 2.5rem; }
"""


def page_html(*, metrics: bool = True) -> bytes:
    """The page, in UTF-8."""
    spec = document(metrics=metrics)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Warmcast REST</title><style>{_STYLE}</style></head><body><h1>Warmcast REST</h1>",
        f"<p>{_code(spec['info']['description'])}</p>",
        '<p>The OpenAPI document: <a href="/openapi.json">/openapi.json</a>.</p><h2>Routes</h2>',
        *(_operation(entry) for entry in entries(spec)),
        "<h2>Errors</h2><p>The <code>type</code> of a problem links here.</p>",
        *_problems(spec),
        "<h2>Bodies</h2>",
        *_schemas(spec),
        "</body></html>",
    ]
    return "\n".join(parts).encode()


def page_policy() -> str:
    """The page's Content-Security-Policy: only its own style sheet."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _operation(entry: Entry) -> str:
    lines = [f"<h3><code>{entry.method} {escape(entry.path)}</code></h3><p>{_code(entry.summary)}</p>"]
    if entry.guarded:
        lines.append("<p>Requires <code>X-Warmup-Secret</code>.</p>")
    if entry.keyed:
        lines.append(
            "<p>Requires an API key where keys are configured: <code>X-API-Key</code>, or "
            "<code>Authorization: Bearer</code>.</p>"
        )
    if entry.parameters:
        lines.append(_table(("Parameter", ""), entry.parameters))
    if entry.body:
        lines.append(f"<p>Body: {', '.join(f'<code>{escape(kind)}</code>' for kind in entry.body)}</p>")
    lines.append(_table(("Response", ""), entry.answers))
    if entry.problems:
        links = ", ".join(f'<a href="#{slug}">{slug}</a>' for slug in entry.problems)
        lines.append(f"<p>Errors: {links}</p>")
    lines += [_example(*each) for each in entry.examples]
    return "\n".join(lines)


def _example(status: str, summary: str, body: object) -> str:
    title = f"Example: <code>{status or 'request'}</code> {_code(summary)}"
    spec = body if isinstance(body, str) else _pretty(body)
    return f"<details><summary>{title}</summary><pre>{escape(spec)}</pre></details>"


def _problems(spec: Document) -> list[str]:
    return [
        f'<p id="{each["slug"]}"><code>{each["type"]}</code> · {each["status"]} · {escape(each["title"])}</p>'
        for each in spec["x-problem-types"]
    ]


def _schemas(spec: Document) -> list[str]:
    return [
        f"<details><summary><code>{name}</code></summary><pre>{escape(_pretty(schema))}</pre></details>"
        for name, schema in spec["components"]["schemas"].items()
    ]


def _pretty(schema: object) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()


def _table(head: tuple[str, str], rows: tuple[tuple[str, str], ...]) -> str:
    body = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{_code(what)}</td></tr>" for name, what in rows)
    return f"<table><tr><th>{head[0]}</th><th>{head[1]}</th></tr>{body}</table>"


def _code(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
