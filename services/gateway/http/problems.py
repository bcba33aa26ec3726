"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry import trace_context

MEDIA_TYPE = "application/problem+json"
_CHALLENGES = {
    errors.UNAUTHENTICATED: 'X-Warmup-Secret realm="warmcast"',
    errors.API_KEY_REQUIRED: 'Bearer realm="warmcast"',
}


class FieldProblem(msgspec.Struct):
    """One invalid parameter."""

    field: str
    detail: str


class Problem(msgspec.Struct, rename="camel", omit_defaults=True):
    """The body of every error (RFC 9457)."""

    type: Annotated[str, Meta(description="link to the explanation of this error")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="what is wrong")]
    request_id: Annotated[str, Meta(description="also in the X-Request-Id header and in the log")]
    errors: Annotated[list[FieldProblem] | msgspec.UnsetType, Meta(description="one for each invalid parameter")] = (
        msgspec.UNSET
    )


def problem(error: WarmcastError, headers: Mapping[str, str] | None = None) -> Response:
    """The response for `error`, with `Retry-After` and `WWW-Authenticate` where they apply."""
    reason = error.reason
    fields = [FieldProblem(_encodable(field), _encodable(wrong)) for field, wrong in error.fields]
    body = Problem(
        type=problem_type(reason),
        title=reason.title,
        status=reason.http_status,
        detail=_encodable(error.detail),
        request_id=trace_context.request_id.get(),
        errors=fields or msgspec.UNSET,
    )
    extra = {"cache-control": "no-store", **(headers or {})}
    if error.retry_after is not None:
        extra["retry-after"] = retry_after(error.retry_after)
    if reason in _CHALLENGES:
        extra["www-authenticate"] = _CHALLENGES[reason]
    if reason is errors.REQUEST_TIMEOUT:
        extra["connection"] = "close"  # the rest of the request is not read
    return Response(msgspec.json.encode(body), reason.http_status, extra, MEDIA_TYPE)


def problem_type(reason: errors.Reason) -> str:
    """The `type` of a problem: a link to its explanation, relative to the gateway."""
    return f"/docs#{reason.slug}"


def retry_after(seconds: float) -> str:
    """The value of `Retry-After`: seconds, rounded up, at least 1."""
    return str(max(1, math.ceil(seconds)))


def _encodable(text: str) -> str:
    """Replaces lone surrogates: a detail may quote input that is not valid Unicode."""
    return text.encode("utf-8", "replace").decode()
