"""`FORWARDED_ALLOW_IPS=*`: every peer is a proxy, trusted for the last entry of each forwarding header only."""

from __future__ import annotations

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_SCHEMES = {"http", "https"}


class LastHop:
    """Uses the rightmost address of X-Forwarded-For as the client's, and so the scheme of X-Forwarded-Proto.

    Only the proxy itself wrote these; a client can send anything before them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if address := _address(_last(scope, _FOR)):
            scope["client"] = (address, 0)
        if (scheme := _last(scope, _PROTO).lower()) in _SCHEMES:
            scope["scheme"] = scheme
        await self.app(scope, receive, send)


def _last(scope: Scope, header: bytes) -> str:
    """The last entry of a header; empty where it is missing."""
    given = [value for name, value in scope.get("headers", ()) if name == header]
    return given[-1].rpartition(b",")[2].decode("latin-1").strip() if given else ""


def _address(text: str) -> str:
    """The address without its port; empty if it is not an address."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
