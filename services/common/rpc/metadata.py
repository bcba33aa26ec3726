"""Names and values of gRPC metadata."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from services.common.comparison import invalid
from services.common.plain_text import has_control_characters
from services.common.telemetry import trace_context

REQUEST_ID = "x-request-id"
DEBUG_ID = "x-debug-id"
TRACEPARENT = "traceparent"
SECRET = "x-warmup-secret"  # noqa: S105 - the name of a header, not a secret
IDEMPOTENCY_KEY = "idempotency-key"
OPERATOR = "x-warmcast-operator"  # the name of an operator's login, percent-encoded
IDEMPOTENCY_REPLAYED = "idempotency-replayed"  # returned with a stored response
UNNAMED_OPERATOR = "secret"  # who acts with the warmup secret and gives no name
_MAX_OPERATOR = 60  # characters

Metadata = tuple[tuple[str, str], ...]


def outgoing(*, secret: str | None = None, debug_id: str | None = None) -> Metadata:
    """Metadata of one call: the request id, the trace context, and the given values."""
    trace = trace_context.traceparent.get()
    pairs = (
        (REQUEST_ID, trace_context.request_id.get()),
        (TRACEPARENT, str(trace) if trace else None),
        (SECRET, secret),
        (DEBUG_ID, debug_id),
    )
    return tuple((name, value) for name, value in pairs if value)


def read(metadata: Iterable[tuple[str, str | bytes]] | None, name: str) -> str:
    """The first value of that name; empty when there is none."""
    for key, value in metadata or ():
        if key == name:
            return value.decode("latin-1") if isinstance(value, bytes) else value
    return ""


def operator(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """The operator that a call names, or UNNAMED_OPERATOR. Raises WarmcastError(INVALID_ARGUMENT)."""
    try:
        name = unquote(read(metadata, OPERATOR), errors="strict").strip()
    except UnicodeDecodeError:
        raise invalid(OPERATOR, "the operator's name is not percent-encoded UTF-8") from None
    if len(name) > _MAX_OPERATOR:
        raise invalid(OPERATOR, f"the operator's name is longer than {_MAX_OPERATOR} characters")
    if has_control_characters(name):
        raise invalid(OPERATOR, "the operator's name has control characters, such as a line break; remove them")
    return name or UNNAMED_OPERATOR
