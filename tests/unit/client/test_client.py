"""Both clients cover the services, alike, and bring nothing heavy with them."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import Any

import pytest
from warmcast.client import aio, blocking, requests
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

JOBS = jobs_pb2.DESCRIPTOR.services_by_name["JobsService"]
FORECASTER = forecaster_pb2.DESCRIPTOR.services_by_name["ForecasterService"]
HEAVY = ("sqlalchemy", "psycopg", "redis", "numpy", "starlette", "pydantic", "prometheus_client")
# Batched by gateways; and what only a runner that holds a lease may send.
NOT_FOR_CALLERS = {"BatchGetWarmups", "ReportDemand", "RecordFailure"}


def _methods(kind: type) -> dict[str, Any]:
    return {name: method for name, method in vars(kind).items() if inspect.isfunction(method) and name[0] != "_"}


@pytest.mark.parametrize(
    ("service", "kind"),
    [(JOBS, blocking.Jobs), (JOBS, aio.Jobs), (FORECASTER, blocking.Forecaster), (FORECASTER, aio.Forecaster)],
)
def test_every_unary_rpc_has_a_method(service: Any, kind: type) -> None:
    asked = set(re.findall(r"self\._stub\.(\w+)", inspect.getsource(kind)))
    unary = {method.name for method in service.methods if not method.server_streaming}
    assert asked == unary - NOT_FOR_CALLERS


@pytest.mark.parametrize("name", ["Jobs", "Forecaster"])
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


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("ingest_files", ([("a.csv", b"x")],)), ("ingest_points", (("tea", "coffee"), [("2025-01-05", (1.5, None))]))],
)
def test_a_dry_run_and_its_hash_are_sent(monkeypatch: pytest.MonkeyPatch, method: str, arguments: Any) -> None:
    sent: list[jobs_pb2.IngestSnapshotRequest] = []
    monkeypatch.setattr(blocking.Jobs, "_call", lambda _self, _rpc, request, _deadline: sent.append(request))
    with blocking.Jobs("127.0.0.1:1") as client:
        getattr(client, method)(*arguments, dry_run=True, expected_data_hash="0" * 16)
    assert [(each.dry_run, each.expected_data_hash) for each in sent] == [(True, "0" * 16)]


def test_a_value_that_is_not_known_is_sent_as_missing() -> None:
    request = requests.of_points(
        ("tea", "coffee"),
        [("2025-01-05", (1.5, None))],
        timeframe="",
        geo="",
        source="test",
        expected_slug="",
        as_of=None,
        dry_run=False,
        expected_data_hash="",
    )
    (point,) = request.series.points
    assert (list(point.values), list(point.missing)) == ([1.5, 0.0], [1])
