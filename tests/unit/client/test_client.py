"""Both clients cover the services, alike, and bring nothing heavy with them."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.client import aio, blocking, requests
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

JOBS = jobs_pb2.DESCRIPTOR.services_by_name["JobsService"]
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["OperationsService"]
FORECASTER = forecaster_pb2.DESCRIPTOR.services_by_name["ForecasterService"]
HEAVY = ("sqlalchemy", "psycopg", "redis", "numpy", "starlette", "pydantic", "prometheus_client")
# Batched by gateways; and what only a runner that holds a lease may send.
NOT_FOR_CALLERS = {"BatchGetWarmups", "ReportDemand", "RecordFailure"}


def _methods(kind: type) -> dict[str, Any]:
    return {name: method for name, method in vars(kind).items() if inspect.isfunction(method) and name[0] != "_"}


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        (JOBS, blocking.Jobs),
        (JOBS, aio.Jobs),
        (OPERATIONS, blocking.Operations),
        (OPERATIONS, aio.Operations),
        (FORECASTER, blocking.Forecaster),
        (FORECASTER, aio.Forecaster),
    ],
)
def test_every_unary_rpc_has_a_method(service: Any, kind: type) -> None:
    asked = set(re.findall(r"self\._stub\.(\w+)", inspect.getsource(kind)))
    unary = {method.name for method in service.methods if not method.server_streaming}
    assert asked == unary - NOT_FOR_CALLERS


@pytest.mark.parametrize("name", ["Jobs", "Operations", "Forecaster"])
def test_the_two_clients_have_the_same_methods_with_the_same_parameters(name: str) -> None:
    one, other = _methods(getattr(blocking, name)), _methods(getattr(aio, name))
    assert {key: inspect.signature(method) for key, method in one.items()} == {
        key: inspect.signature(method) for key, method in other.items()
    }
    assert all(inspect.iscoroutinefunction(method) for method in other.values())


def test_it_imports_no_engine_no_store_and_no_server() -> None:
    code = f"import sys, warmcast.client, warmcast.client.aio; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_what_a_preview_showed_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    request = requests.of_files([("a.csv", b"x")])
    as_of = Timestamp(seconds=1_700_000_000)
    preview = jobs_pb2.PreviewSnapshotResponse(
        snapshot=jobs_pb2.IngestSnapshotResponse(data_hash="0" * 16, as_of=as_of)
    )
    sent: list[Any] = []

    def answer(_self: object, _rpc: object, message: Any, _deadline: float) -> Any:
        sent.append(message)
        return preview if len(sent) == 1 else jobs_pb2.IngestPreviewedResponse()

    monkeypatch.setattr(blocking.Jobs, "_call", answer)
    with blocking.Jobs("127.0.0.1:1") as client:
        client.ingest_previewed(request, client.preview(request))
    assert sent[0].snapshot == request
    assert (sent[1].data_hash, sent[1].snapshot.as_of) == ("0" * 16, as_of)
    assert sent[1].snapshot.files == request.files


def test_an_operation_is_on_jobs_or_on_comparisons() -> None:
    jobs, comparisons = operations_pb2.JobFilter(slug="a-vs-b"), operations_pb2.CoverageFilter(state="cold")
    assert requests.bulk(operations_pb2.BULK_ACTION_CANCEL, jobs) == operations_pb2.PrepareBulkOperationRequest(
        action=operations_pb2.BULK_ACTION_CANCEL, jobs=jobs
    )
    assert requests.bulk(operations_pb2.BULK_ACTION_WARM, comparisons) == operations_pb2.PrepareBulkOperationRequest(
        action=operations_pb2.BULK_ACTION_WARM, comparisons=comparisons
    )


def test_a_value_that_is_not_known_is_sent_as_missing() -> None:
    request = requests.of_points(
        ("tea", "coffee"),
        [("2025-01-05", (1.5, None))],
    )
    (point,) = request.series.points
    assert (list(point.values), list(point.missing)) == ([1.5, 0.0], [1])
