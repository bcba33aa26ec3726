"""What a failed call means for its caller."""

from __future__ import annotations

import grpc
import pytest

from services.common import errors
from services.common.errors import Reason
from services.common.rpc.status import from_rpc_error


@pytest.mark.parametrize(
    ("code", "reason", "retry_after"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.UNAVAILABLE, 1.0),
        (grpc.StatusCode.CANCELLED, errors.UNAVAILABLE, 1.0),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DEADLINE_EXCEEDED, 1.0),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.TOO_LARGE, None),
        (grpc.StatusCode.UNAUTHENTICATED, errors.UNAUTHENTICATED, None),
        (grpc.StatusCode.UNKNOWN, errors.INTERNAL, None),
    ],
)
def test_a_status_without_details_says_when_to_come_back(
    code: grpc.StatusCode, reason: Reason, retry_after: float | None
) -> None:
    bare = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="10.0.0.7 refused")
    error = from_rpc_error(bare, service="jobs")
    assert (error.reason, error.retry_after) == (reason, retry_after)
    assert error.detail == f"jobs could not answer ({code.name})"


def test_a_method_that_the_server_does_not_have_says_that_it_is_older() -> None:
    bare = grpc.aio.AioRpcError(grpc.StatusCode.UNIMPLEMENTED, grpc.aio.Metadata(), grpc.aio.Metadata())
    error = from_rpc_error(bare, service="jobs")
    assert (error.reason, error.reason.http_status, error.retry_after) == (errors.SERVICE_OUTDATED, 503, 10.0)
