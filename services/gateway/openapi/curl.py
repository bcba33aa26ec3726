"""The curl command of a GET."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from services.gateway.openapi.listing import Entry


def curl_command(entry: Entry, origin: str, *, keys_configured: bool) -> str:
    """A command for a shell, with the parameters that are required or have an example. Secrets are variables."""
    given = [each for each in entry.parameters if each.example]
    path = entry.path
    for each in given:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", quote(each.example, safe=""))
    query = urlencode([(each.name, each.example) for each in given if each.place == "query"])
    parts = ["curl", *(["-N"] if entry.streamed else []), f'"{origin}{path}{"?" if query else ""}{query}"']
    if entry.guarded:
        parts.append('-H "X-Warmup-Secret: $WARMUP_SECRET"')
    elif entry.keyed and keys_configured:
        parts.append('-H "X-API-Key: $API_KEY"')
    return " ".join(parts)
