"""The gRPC edge of OperationsService: translates messages and validates them."""

from __future__ import annotations

from warmcast.jobs.v1 import operations_pb2 as pb
from warmcast.jobs.v1 import operations_pb2_grpc

SERVICE = pb.DESCRIPTOR.services_by_name["OperationsService"].full_name
CHANGING = ("RunJob", "PrepareBulkOperation", "ConfirmBulkOperation", "AbortBulkOperation")
GUARDED = frozenset(f"/{SERVICE}/{method}" for method in CHANGING)
# RunJob lasts as long as its run.
UNBOUNDED = frozenset({f"/{SERVICE}/RunJob"})


class OperationsServicer(operations_pb2_grpc.OperationsServiceServicer):
    """See protos/warmcast/jobs/v1/operations.proto."""
