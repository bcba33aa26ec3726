"""`FORWARDED_ALLOW_IPS=*`: every peer is a proxy, trusted for the last entry of X-Forwarded-For only."""

from __future__ import annotations

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-forwarded-for"


class LastHop:
    """Uses the rightmost address of X-Forwarded-For as the client's.

    Only the proxy itself wrote that one; a client can send any addresses before it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        given = [value for name, value in scope.get("headers", ()) if name == _HEADER]
        if given and (address := _address(given[-1].rpartition(b",")[2].decode("latin-1").strip())):
            scope["client"] = (address, 0)
        await self.app(scope, receive, send)


def _address(text: str) -> str:
    """The address without its port; empty if it is not an address."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
