"""Every reason of the registry, to a gRPC status and back: nothing is lost on the way."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.common import errors
from services.common.errors import Reason, WarmcastError
from services.common.rpc.status import DOMAIN, from_rpc_error, to_status

DETAILS = "grpc-status-details-bin"
EVERY = pytest.mark.parametrize("reason", errors.REASONS.values(), ids=errors.REASONS.keys())


def _received(error: WarmcastError) -> grpc.aio.AioRpcError:
    code, detail, trailing = to_status(error)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details=detail)


@EVERY
@pytest.mark.parametrize("retry_after", [None, 0.0, 1.5, 3600.0])
@pytest.mark.parametrize("fields", [(), (("slug", "is no slug"), ("tf", "“2y” is no timeframe"))])
def test_it_comes_back_as_it_was_sent(
    reason: Reason, retry_after: float | None, fields: tuple[tuple[str, str], ...]
) -> None:
    metadata = {"leaseId": "7"}
    sent = WarmcastError(reason, "what is wrong – “here”", fields=fields, retry_after=retry_after, metadata=metadata)
    received = from_rpc_error(_received(sent), service="jobs")
    assert received.reason is reason
    assert (received.detail, received.fields, received.retry_after, received.metadata) == (
        sent.detail,
        fields,
        retry_after,
        metadata,
    )


@EVERY
def test_others_can_read_it_by_the_standard_details(reason: Reason) -> None:
    sent = WarmcastError(reason, "wrong", fields=(("slug", "is no slug"),), retry_after=2.5)
    code, detail, ((name, packed),) = to_status(sent)
    assert name == DETAILS
    status = status_pb2.Status.FromString(packed)
    # https://grpc.github.io/grpc/core/md_doc_statuscodes.html: the status inside says what the one outside says.
    assert (status.code, status.message) == (code_pb2.Code.Value(code.name), detail)
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    unpacked = [status.details[i].Unpack(into) for i, into in enumerate((info, bad, retry))]
    assert unpacked == [True, True, True]
    assert (info.reason, info.domain) == (reason.name, DOMAIN)
    assert [(each.field, each.description) for each in bad.field_violations] == [("slug", "is no slug")]
    assert retry.retry_delay.ToMilliseconds() == 2500


@EVERY
def test_each_side_of_it_is_a_real_one(reason: Reason) -> None:
    assert grpc.StatusCode[reason.grpc_code] is not grpc.StatusCode.OK
    assert 400 <= reason.http_status <= 599
    assert errors.REASONS[reason.name] is reason
    assert reason.title


def test_a_reason_of_a_newer_server_is_not_taken_for_another() -> None:
    newer = Reason("NOT_YET_KNOWN", "ABORTED", 409, "Something new")
    received = from_rpc_error(_received(WarmcastError(newer, "new", retry_after=3)), service="jobs")
    assert (received.reason, received.detail, received.retry_after) == (errors.INTERNAL, "new", 3.0)
