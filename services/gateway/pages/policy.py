"""The security headers of pages."""

from __future__ import annotations

from starlette.types import Scope

# Trusted Types: scripts may make HTML of text only by the policy `fragment` (assets/fragment.js).
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types fragment",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    # With no-referrer, browsers would send `Origin: null` with forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")


def transport_security(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Strict-Transport-Security, where the client uses HTTPS, as this server or a trusted proxy says."""
    return [_TRANSPORT_SECURITY] if scope.get("scheme") == "https" else []
