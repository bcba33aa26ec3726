"""`FORWARDED_ALLOW_IPS=*`: whoever connects is a proxy, and is believed about the client that connected to it alone."""

from __future__ import annotations

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-forwarded-for"


class LastHop:
    """Takes the rightmost address of X-Forwarded-For for the client's, since only that one is the proxy's own word.

    The addresses before it are what the client, or a proxy that nobody named, has sent.
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
    """Without its port; empty where it is no address."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
