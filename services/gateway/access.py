"""What the access log says of who asked. Never a key, a secret, or a query, which may hold one by mistake."""

from __future__ import annotations

from starlette.types import Scope

CALLER = "warmcast.api_key"  # where the name of the request's API key is kept in its scope


def who(scope: Scope) -> dict[str, str]:
    """The client's address (behind trusted proxies theirs), and the name of its API key where it brought one."""
    said = {"client": scope["client"][0]} if scope.get("client") else {}
    if CALLER in scope:
        said["api_key"] = scope[CALLER]
    return said
