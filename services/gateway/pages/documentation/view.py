"""The content of /docs, made of the OpenAPI document."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from services.gateway.openapi.curl import curl_command
from services.gateway.openapi.document import document
from services.gateway.openapi.listing import Entry, entries
from services.gateway.pages.rendering import Content, Templates

# The script replaces it by the address of the page.
PLACEHOLDER_ORIGIN = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Route:
    """One operation as the page shows it."""

    entry: Entry
    id: str
    curl: str  # empty for other methods than GET
    has_form: bool  # whether the page can send it


def documentation(
    templates: Templates, *, metrics: bool = True, origin: str = PLACEHOLDER_ORIGIN, keys_configured: bool = False
) -> Content:
    """The content of the page; without `/metrics` where metrics have a port of their own."""
    spec = document(metrics=metrics)
    main = templates.render(
        "documentation.html",
        about=spec["info"]["description"].split("\n\n"),
        origin=origin,
        keys_configured=keys_configured,
        routes=[_route(entry, origin, keys_configured) for entry in entries(spec)],
        problems=spec["x-problem-types"],
        schemas=spec["components"]["schemas"],
        pretty=_pretty,
    )
    return Content("REST API", main, path="/docs", script="documentation.js", style="documentation.css")


def _route(entry: Entry, origin: str, keys_configured: bool) -> Route:
    words = re.findall(r"\w+", f"{entry.method} {entry.path}".lower())
    readable = entry.method == "GET"
    return Route(
        entry=entry,
        id="-".join(words),
        curl=curl_command(entry, origin, keys_configured=keys_configured) if readable else "",
        has_form=readable and not entry.streamed,
    )


def _pretty(value: object) -> str:
    """A body as indented JSON; text as it is."""
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
