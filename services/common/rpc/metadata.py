"""Names and values of gRPC metadata."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

from services.common.comparison import invalid
from services.common.plain_text import has_control_characters
from services.common.telemetry import trace_context

REQUEST_ID = "x-request-id"
DEBUG_ID = "x-debug-id"
TRACEPARENT = "traceparent"
SECRET = "x-warmup-secret"  # noqa: S105 - the name of a header, not a secret
IDEMPOTENCY_KEY = "idempotency-key"
OPERATOR = "x-warmcast-operator"  # who acts, percent-encoded: the name of a login, or a claimed one
IDEMPOTENCY_REPLAYED = "idempotency-replayed"  # returned with a stored response
UNNAMED_OPERATOR = "secret"  # who acts with the warmup secret and gives no name
_CLAIMED = f"{UNNAMED_OPERATOR} ("  # begins what is recorded of one who gives a name: `secret (Ada)`
_MAX_OPERATOR = 60  # characters
MAX_CLAIMED = 50  # characters of a name that a caller with the secret gives

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
    return _operator_name(read(metadata, OPERATOR), OPERATOR, _MAX_OPERATOR) or UNNAMED_OPERATOR


def claimed_operator(encoded: str, *, field: str = OPERATOR) -> str | None:
    """How the audit records a caller with the shared secret who gives this percent-encoded name: `secret (Ada)`.

    None for an empty name. Raises WarmcastError(INVALID_ARGUMENT) that names `field`.
    """
    name = _operator_name(encoded, field, MAX_CLAIMED)
    return f"{_CLAIMED}{name})" if name else None


def outgoing_claim(name: str | None) -> Metadata:
    """Metadata of a caller with the shared secret who gives this name. Raises WarmcastError(INVALID_ARGUMENT)."""
    claimed = claimed_operator(quote(name, safe="")) if name else None
    return ((OPERATOR, quote(claimed, safe="")),) if claimed else ()


def claimed_name(operator: str) -> str | None:
    """The name within what `claimed_operator` returns; None for other operators."""
    is_claimed = operator.startswith(_CLAIMED) and operator.endswith(")")
    return operator[len(_CLAIMED) : -1] if is_claimed else None


def names_secret(operator: str) -> bool:
    """Whether the audit writes something like this for callers with the shared secret. No login may have that name."""
    word = operator.casefold()
    return word == UNNAMED_OPERATOR or word.startswith(_CLAIMED)


def _operator_name(encoded: str, field: str, longest: int) -> str:
    try:
        name = unquote(encoded, errors="strict").strip()
    except UnicodeDecodeError:
        raise invalid(field, "the operator's name is not percent-encoded UTF-8") from None
    if len(name) > longest:
        raise invalid(field, f"the operator's name is longer than {longest} characters")
    if has_control_characters(name):
        raise invalid(field, "the operator's name has control characters, such as a line break; remove them")
    return name
