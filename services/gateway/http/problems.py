"""Every error as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry import tracing

MEDIA_TYPE = "application/problem+json"
_CHALLENGES = {
    errors.UNAUTHENTICATED: 'X-Warmup-Secret realm="warmcast"',
    errors.API_KEY_REQUIRED: 'Bearer realm="warmcast"',
}


class FieldProblem(msgspec.Struct):
    """One parameter that is not valid."""

    field: str
    detail: str


class Problem(msgspec.Struct, rename="camel", omit_defaults=True):
    """The body of every error."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldProblem] | msgspec.UnsetType = msgspec.UNSET


def problem(error: WarmcastError, headers: Mapping[str, str] | None = None) -> Response:
    """The response for `error`: status, body, and `Retry-After` or `WWW-Authenticate` where they belong."""
    reason = error.reason
    fields = [FieldProblem(_writable(field), _writable(wrong)) for field, wrong in error.fields]
    body = Problem(
        type=problem_type(reason),
        title=reason.title,
        status=reason.http_status,
        detail=_writable(error.detail),
        request_id=tracing.request_id.get(),
        errors=fields or msgspec.UNSET,
    )
    extra = {"cache-control": "no-store", **(headers or {})}
    if error.retry_after is not None:
        extra["retry-after"] = retry_after(error.retry_after)
    if reason in _CHALLENGES:
        extra["www-authenticate"] = _CHALLENGES[reason]
    if reason is errors.REQUEST_TIMEOUT:
        extra["connection"] = "close"  # what is still to come of the request is waited for by nobody
    return Response(msgspec.json.encode(body), reason.http_status, extra, MEDIA_TYPE)


def problem_type(reason: errors.Reason) -> str:
    """Where the reason is explained, relative to the gateway."""
    return f"/docs#{reason.slug}"


def retry_after(seconds: float) -> str:
    """A `Retry-After` header: whole seconds, never before the time, at least one."""
    return str(max(1, math.ceil(seconds)))


def _writable(text: str) -> str:
    """An error quotes what was given; where that is no text, it must be refused all the same."""
    return text.encode("utf-8", "replace").decode()
