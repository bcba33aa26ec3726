"""Protects forms against requests that other sites cause (CSRF)."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.sessions import Session, Sessions


def check_origin(request: Request, public_origin: str) -> None:
    """Raises FORM_REFUSED unless the request comes from a page of this site.

    `Origin` must be `public_origin`; without a public origin it must name the host of the request. `Sec-Fetch-Site`,
    which newer browsers send, must agree. A request with neither is refused.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is None and site is None:
        raise _refused("the request has neither Origin nor Sec-Fetch-Site; send it from a page of this site")
    if origin is not None and not _matches(origin, public_origin, request.headers.get("host", "")):
        raise _refused(f"the request's Origin, {origin[:200]}, is another one than this site's; check PUBLIC_ORIGIN")
    if site is not None and site != "same-origin":
        raise _refused(f"the browser says that the request comes from another site (Sec-Fetch-Site: {site[:20]})")


def check_token(sessions: Sessions, session: Session, token: str) -> None:
    """Raises FORM_REFUSED unless the token belongs to the login."""
    if not sessions.accepts_token(session, token):
        raise _refused("the form's token is not of this login; reload the page and send the form again")


def _matches(origin: str, public_origin: str, host: str) -> bool:
    if public_origin:
        return origin == public_origin
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


def _refused(detail: str) -> WarmcastError:
    return WarmcastError(errors.FORM_REFUSED, detail)
