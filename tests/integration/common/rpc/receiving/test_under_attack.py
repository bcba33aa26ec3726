"""The latency of small calls to a real jobs process while others send large requests."""

from __future__ import annotations

import sys
import time

import grpc
import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from devstack.processes.child import Child
from services.jobs.rpc.servicer import SERVICE
from tests.integration.common.rpc.receiving.test_memory import jobs
from tests.waiting import wait_until

__all__ = ["jobs"]  # a fixture

_SECONDS = 3.0
_FLOOR = 0.25  # seconds: what the p99 of a quiet server may take where others use both cores

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("method", ["IngestSnapshot", "EnqueueWarmup"])
async def test_small_calls_stay_fast_while_large_ones_are_refused(jobs: tuple[Child, str], method: str) -> None:
    _, address = jobs
    async with grpc.aio.insecure_channel(address) as channel:
        stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(channel)
        await stub.GetTrustStats(pb.GetTrustStatsRequest(), timeout=60, wait_for_ready=True)
        await _p99(stub)
        quiet = await _p99(stub)
        attacker = Child("attacker")
        attacker.spawn(
            (
                sys.executable,
                "-m",
                "tests.integration.common.rpc.receiving.attacker",
                address,
                f"/{SERVICE}/{method}",
                f"{3 * _SECONDS}",
            )
        )
        try:
            wait_until(lambda: attacker.tail().count("\n") > 5, 20, "calls are refused")
            attacked = await _p99(stub)
        finally:
            attacker.kill_group()
    print(f"{method}: p99 {1000 * quiet:.1f} ms quiet, {1000 * attacked:.1f} ms under attack")
    assert attacked <= max(3 * quiet, _FLOOR)


async def _p99(stub: jobs_pb2_grpc.JobsServiceAsyncStub) -> float:
    took = []
    ends = time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        began = time.perf_counter()
        await stub.GetTrustStats(pb.GetTrustStatsRequest(), timeout=30)
        took.append(time.perf_counter() - began)
    return sorted(took)[int(0.99 * len(took))]
