"""The memory that large calls use in a real jobs process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2 as pb

from devstack.processes.child import Child
from devstack.stores.ports import LOOPBACK, free_port
from services.jobs.rpc.servicer import SERVICE

SECRET = "a secret for this test"
LARGE = pb.IngestSnapshotRequest(
    files=pb.TrendsFiles(files=[pb.TrendsFile(name="a.csv", content=b"1,2\n" * 2_000_000)])
).SerializeToString()  # 8,000,000 bytes and a few: below the length that gRPC itself refuses
MIB = 1024 * 1024
OWN = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture
def jobs(database_url: str) -> Iterator[tuple[Child, str]]:
    """A jobs process and its address."""
    child, address = Child("jobs"), f"{LOOPBACK}:{free_port()}"
    child.spawn(
        (sys.executable, "-m", "services.jobs"),
        environment={
            "PATH": os.defpath,
            "WARMUP_SECRET": SECRET,
            "DATABASE_URL": database_url,
            "FORECASTER_ADDR": f"{LOOPBACK}:{free_port()}",
            "JOBS_LISTEN": address,
        },
    )
    yield child, address
    child.kill_group()


@dataclass(frozen=True)
class Attack:
    """Concurrent calls over some connections, and the MiB that they may add."""

    method: str
    secret: str
    calls: int
    connections: int
    most: int


@pytest.mark.parametrize(
    "attack",
    [
        # A connection without the secret adds at most 4 MiB, a hundred of them at most 64 MiB.
        Attack(f"/{SERVICE}/IngestSnapshot", "wrong", 40, 1, 4),
        Attack(f"/{SERVICE}/IngestSnapshot", "wrong", 400, 100, 64),
        # The limit for all requests: 512 MiB in total, of which an idle process uses 110.
        Attack(f"/{SERVICE}/IngestSnapshot", SECRET, 40, 8, 400),
        Attack(f"/{SERVICE}/RunWarmup", SECRET, 40, 8, 400),
        Attack(f"/{SERVICE}/EnqueueWarmup", "", 40, 1, 400),
        Attack(f"/{SERVICE}/EnqueueWarmup", "", 200, 40, 400),
        Attack("/grpc.health.v1.Health/Check", "", 200, 40, 400),
    ],
    ids=lambda attack: f"{attack.calls} × {attack.method.rpartition('/')[2]}",
)
async def test_large_calls_keep_jobs_below_its_memory_limit(jobs: tuple[Child, str], attack: Attack) -> None:
    child, address = jobs
    async with AsyncExitStack() as opened:
        channels = [
            await opened.enter_async_context(grpc.aio.insecure_channel(address, options=OWN))
            for _ in range(attack.connections)
        ]
        await health_pb2_grpc.HealthStub(channels[0]).Check(
            health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True
        )
        before = _peak(child.pid)
        calls = (_outcome(channels[number % attack.connections], attack) for number in range(attack.calls))
        outcomes = Counter(await asyncio.gather(*calls))
    assert "OK" not in outcomes, outcomes
    peak = _peak(child.pid)
    print(f"{attack}: {before >> 20} -> {peak >> 20} MiB, {dict(outcomes)}")
    assert peak - before <= attack.most * MIB
    assert peak <= 512 * MIB


async def _outcome(channel: grpc.aio.Channel, attack: Attack) -> str:
    try:
        call: Any = channel.unary_unary(attack.method)
        await call(LARGE, timeout=60, metadata=(("x-warmup-secret", attack.secret),))
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


def _peak(pid: int) -> int:
    """The largest resident size so far, in bytes."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
