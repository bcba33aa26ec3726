"""The registry of error reasons: reason → gRPC code → problem+json. Texts of database drivers never appear here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One kind of error."""

    name: str  # google.rpc.ErrorInfo.reason
    grpc_code: str  # canonical code
    http_status: int
    title: str

    @property
    def slug(self) -> str:
        """The last part of the problem's `type`."""
        return self.name.lower().replace("_", "-")


INVALID_ARGUMENT = Reason("INVALID_ARGUMENT", "INVALID_ARGUMENT", 400, "Invalid parameter")
UNREADABLE_INPUT = Reason("UNREADABLE_INPUT", "INVALID_ARGUMENT", 400, "The data cannot be read")
SINGLE_TERM = Reason("SINGLE_TERM", "INVALID_ARGUMENT", 400, "The file has only one term")
TERMS_MISMATCH = Reason("TERMS_MISMATCH", "INVALID_ARGUMENT", 400, "The file has other terms than the comparison")
MALFORMED_REQUEST = Reason("MALFORMED_REQUEST", "INVALID_ARGUMENT", 400, "The request is not valid HTTP")
UNAUTHENTICATED = Reason("UNAUTHENTICATED", "UNAUTHENTICATED", 401, "The credentials are missing or wrong")
API_KEY_REQUIRED = Reason("API_KEY_REQUIRED", "UNAUTHENTICATED", 401, "The API key is missing or wrong")
CORS_REFUSED = Reason("CORS_REFUSED", "PERMISSION_DENIED", 403, "The CORS settings do not allow this")
FORM_REFUSED = Reason("FORM_REFUSED", "PERMISSION_DENIED", 403, "The form was not sent by a page of this site")
FORBIDDEN = Reason("FORBIDDEN", "PERMISSION_DENIED", 403, "The login or the secret does not allow this")
NOT_FOUND = Reason("NOT_FOUND", "NOT_FOUND", 404, "Not found")
METHOD_NOT_ALLOWED = Reason("METHOD_NOT_ALLOWED", "UNIMPLEMENTED", 405, "Method not allowed")
REQUEST_TIMEOUT = Reason("REQUEST_TIMEOUT", "DEADLINE_EXCEEDED", 408, "The request did not arrive in time")
SLUG_TAKEN = Reason("SLUG_TAKEN", "ALREADY_EXISTS", 409, "The slug belongs to other terms")
DATA_MISMATCH = Reason("DATA_MISMATCH", "FAILED_PRECONDITION", 409, "The data are not those of the preview")
WRONG_STATE = Reason("WRONG_STATE", "FAILED_PRECONDITION", 409, "The job's state does not allow this")
IDEMPOTENCY_IN_PROGRESS = Reason(
    "IDEMPOTENCY_IN_PROGRESS", "ABORTED", 409, "A request with this Idempotency-Key is in progress"
)
TOO_LARGE = Reason("TOO_LARGE", "OUT_OF_RANGE", 413, "The request is too large")
UNSUPPORTED_MEDIA_TYPE = Reason("UNSUPPORTED_MEDIA_TYPE", "INVALID_ARGUMENT", 415, "The content type is not supported")
IDEMPOTENCY_MISMATCH = Reason(
    "IDEMPOTENCY_MISMATCH", "FAILED_PRECONDITION", 422, "This Idempotency-Key was used with another request"
)
RATE_LIMITED = Reason("RATE_LIMITED", "RESOURCE_EXHAUSTED", 429, "Too many requests")
HEADERS_TOO_LARGE = Reason("HEADERS_TOO_LARGE", "OUT_OF_RANGE", 431, "The request's headers are too large")
BUSY = Reason("BUSY", "RESOURCE_EXHAUSTED", 503, "Too many concurrent requests")
FENCED_OFF = Reason("FENCED_OFF", "ABORTED", 409, "A newer lease holds the fence")
UNWARMABLE = Reason("UNWARMABLE", "FAILED_PRECONDITION", 422, "This series cannot be forecast")
VERIFICATION_FAILED = Reason("VERIFICATION_FAILED", "DATA_LOSS", 503, "The written forecasts could not be read back")
UNAVAILABLE = Reason("UNAVAILABLE", "UNAVAILABLE", 503, "A dependency is unavailable")
SERVICE_OUTDATED = Reason("SERVICE_OUTDATED", "UNIMPLEMENTED", 503, "A service does not support this request yet")
SECRET_NOT_CONFIGURED = Reason("SECRET_NOT_CONFIGURED", "UNAVAILABLE", 503, "WARMUP_SECRET is not configured")
DEADLINE_EXCEEDED = Reason("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", 504, "The deadline was exceeded")
INTERNAL = Reason("INTERNAL", "INTERNAL", 500, "Internal error")

# Metadata of an UNAVAILABLE that the forecast cache caused, such as `read-only`; it is not the job's fault.
CACHE_CAUSE = "cacheCause"

REASONS: Mapping[str, Reason] = {value.name: value for value in list(globals().values()) if isinstance(value, Reason)}


class WarmcastError(Exception):
    """An error that is shown to the caller."""

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
        self.fields = fields  # (parameter, detail)
        self.retry_after = retry_after  # seconds
        self.metadata = dict(metadata or {})
