"""The one registry of what can go wrong: reason → gRPC code → problem+json. No driver's text passes through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One kind of error as every caller sees it."""

    name: str  # google.rpc.ErrorInfo.reason
    grpc_code: str  # name of the canonical code
    http_status: int
    title: str

    @property
    def slug(self) -> str:
        """The last part of the problem's `type`."""
        return self.name.lower().replace("_", "-")


INVALID_ARGUMENT = Reason("INVALID_ARGUMENT", "INVALID_ARGUMENT", 400, "A parameter is not valid")
UNREADABLE_INPUT = Reason("UNREADABLE_INPUT", "INVALID_ARGUMENT", 400, "The data could not be read")
SINGLE_TERM = Reason("SINGLE_TERM", "INVALID_ARGUMENT", 400, "The file holds one term alone")
TERMS_MISMATCH = Reason("TERMS_MISMATCH", "INVALID_ARGUMENT", 400, "The file's terms are not the comparison's")
MALFORMED_REQUEST = Reason("MALFORMED_REQUEST", "INVALID_ARGUMENT", 400, "The request is not HTTP that can be read")
UNAUTHENTICATED = Reason("UNAUTHENTICATED", "UNAUTHENTICATED", 401, "The credentials are missing or wrong")
API_KEY_REQUIRED = Reason("API_KEY_REQUIRED", "UNAUTHENTICATED", 401, "The API key is missing or wrong")
CORS_REFUSED = Reason("CORS_REFUSED", "PERMISSION_DENIED", 403, "The page's origin may not do this")
NOT_FOUND = Reason("NOT_FOUND", "NOT_FOUND", 404, "There is no such thing")
METHOD_NOT_ALLOWED = Reason("METHOD_NOT_ALLOWED", "UNIMPLEMENTED", 405, "The method is not allowed here")
REQUEST_TIMEOUT = Reason("REQUEST_TIMEOUT", "DEADLINE_EXCEEDED", 408, "The request did not arrive in time")
SLUG_TAKEN = Reason("SLUG_TAKEN", "ALREADY_EXISTS", 409, "The slug belongs to other terms")
WRONG_STATE = Reason("WRONG_STATE", "FAILED_PRECONDITION", 409, "The job's state does not allow this")
IDEMPOTENCY_IN_PROGRESS = Reason(
    "IDEMPOTENCY_IN_PROGRESS", "ABORTED", 409, "A request with this Idempotency-Key is still running"
)
TOO_LARGE = Reason("TOO_LARGE", "OUT_OF_RANGE", 413, "The request is too large")
UNSUPPORTED_MEDIA_TYPE = Reason("UNSUPPORTED_MEDIA_TYPE", "INVALID_ARGUMENT", 415, "The content type is not supported")
IDEMPOTENCY_MISMATCH = Reason(
    "IDEMPOTENCY_MISMATCH", "FAILED_PRECONDITION", 422, "This Idempotency-Key came with another request"
)
RATE_LIMITED = Reason("RATE_LIMITED", "RESOURCE_EXHAUSTED", 429, "Too many requests")
HEADERS_TOO_LARGE = Reason("HEADERS_TOO_LARGE", "OUT_OF_RANGE", 431, "The request's head is too large")
BUSY = Reason("BUSY", "RESOURCE_EXHAUSTED", 503, "No capacity at the moment")
FENCED_OFF = Reason("FENCED_OFF", "ABORTED", 409, "A newer lease owns the keys")
UNWARMABLE = Reason("UNWARMABLE", "FAILED_PRECONDITION", 422, "No forecast can be made of this series")
VERIFICATION_FAILED = Reason("VERIFICATION_FAILED", "DATA_LOSS", 503, "What was written did not read back the same")
UNAVAILABLE = Reason("UNAVAILABLE", "UNAVAILABLE", 503, "A part of the system cannot be asked")
SECRET_NOT_CONFIGURED = Reason("SECRET_NOT_CONFIGURED", "UNAVAILABLE", 503, "WARMUP_SECRET is not configured")
DEADLINE_EXCEEDED = Reason("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", 504, "The answer took too long")
INTERNAL = Reason("INTERNAL", "INTERNAL", 500, "Something went wrong on our side")

# Metadata of an UNAVAILABLE whose cause is the forecast cache, such as `read-only`; no job is at fault.
CACHE_CAUSE = "cacheCause"

REASONS: Mapping[str, Reason] = {value.name: value for value in list(globals().values()) if isinstance(value, Reason)}


class WarmcastError(Exception):
    """An error that a caller may see, with all that it needs to act on it."""

    def __init__(
        self,
        reason: Reason,
        detail: str,
        *,
        fields: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.fields = fields  # (parameter, what is wrong with it)
        self.retry_after = retry_after  # seconds
        self.metadata = dict(metadata or {})
