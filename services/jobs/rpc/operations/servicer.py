"""The gRPC edge of OperationsService: translates messages and validates them."""

from __future__ import annotations

from warmcast.jobs.v1 import operations_pb2 as pb

from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.operations.bulk import Bulk
from services.jobs.rpc.operations.attempts import AttemptsRpc, AttemptStore
from services.jobs.rpc.operations.changes import ChangesRpc
from services.jobs.rpc.operations.records import ActionStore, RecordsRpc
from services.jobs.rpc.operations.reports import (
    AccuracyStore,
    CoverageStore,
    HolderStore,
    ReportsRpc,
    StatisticsStore,
)

SERVICE = pb.DESCRIPTOR.services_by_name["OperationsService"].full_name
CHANGING = ("RunJob", "PrepareBulkOperation", "ConfirmBulkOperation", "AbortBulkOperation")
GUARDED = frozenset(f"/{SERVICE}/{method}" for method in CHANGING)
# RunJob lasts as long as its run.
UNBOUNDED = frozenset({f"/{SERVICE}/RunJob"})


class OperationsServicer(AttemptsRpc, ReportsRpc, RecordsRpc, ChangesRpc):
    """See protos/warmcast/jobs/v1/operations.proto. Each area's RPCs are in a class of its own."""

    def __init__(
        self,
        *,
        accuracy: AccuracyStore,
        actions: ActionStore,
        attempts: AttemptStore,
        bulk: Bulk,
        coverage: CoverageStore,
        dispatcher: Dispatcher,
        holders: HolderStore,
        statistics: StatisticsStore,
    ) -> None:
        self._accuracy = accuracy
        self._actions = actions
        self._attempts = attempts
        self._bulk = bulk
        self._coverage = coverage
        self._dispatcher = dispatcher
        self._holders = holders
        self._statistics = statistics
