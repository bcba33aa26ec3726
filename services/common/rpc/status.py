"""WarmcastError ↔ a gRPC status with google.rpc details."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2, duration_pb2, message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.common import errors
from services.common.errors import Reason, WarmcastError
from services.common.rpc.metadata import Metadata

DOMAIN = "warmcast"
_DETAILS = "grpc-status-details-bin"
# A status from gRPC itself (no server, deadline) has no Warmcast details.
_BARE = {
    grpc.StatusCode.UNAVAILABLE: errors.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.TOO_LARGE,
    grpc.StatusCode.UNAUTHENTICATED: errors.UNAUTHENTICATED,
    grpc.StatusCode.CANCELLED: errors.UNAVAILABLE,
}
_ROLLOUT_SECONDS = 10.0  # after which a replica of the new release may answer


def to_status(error: WarmcastError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, message and trailing metadata for `context.abort`."""
    code = grpc.StatusCode[error.reason.grpc_code]
    info = error_details_pb2.ErrorInfo(reason=error.reason.name, domain=DOMAIN, metadata=error.metadata)
    details: list[message.Message] = [info]
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field, description=wrong) for field, wrong in error.fields
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=error.detail, details=map(_pack, details))
    return code, error.detail, ((_DETAILS, status.SerializeToString()),)


def from_rpc_error(error: grpc.aio.AioRpcError | grpc.Call, *, service: str) -> WarmcastError:
    """What a failed call means for the caller; `service` names it for a status that carries no details."""
    for name, value in error.trailing_metadata() or ():
        if name == _DETAILS and isinstance(value, bytes):
            return _from_details(status_pb2.Status.FromString(value))
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        detail = f"{service} does not have this method yet; try again when its update is complete"
        return WarmcastError(errors.SERVICE_OUTDATED, detail, retry_after=_ROLLOUT_SECONDS)
    reason = _BARE.get(error.code(), errors.INTERNAL)
    retry_after = 1.0 if reason.http_status in (503, 504) else None
    return WarmcastError(reason, f"{service} could not answer ({error.code().name})", retry_after=retry_after)


def _from_details(status: status_pb2.Status) -> WarmcastError:
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
    reason: Reason = errors.REASONS.get(info.reason, errors.INTERNAL)
    fields = tuple((violation.field, violation.description) for violation in bad.field_violations)
    return WarmcastError(reason, status.message, fields=fields, retry_after=retry_after, metadata=dict(info.metadata))


def _pack(detail: message.Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


__all__ = ["DOMAIN", "Metadata", "from_rpc_error", "to_status"]
