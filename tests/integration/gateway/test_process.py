"""The gateway as a process: start, shutdown, and messages of a failed start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from warmcast.jobs.v1 import jobs_pb2

from devstack.stores.ports import free_port
from tests.integration.gateway.conftest import SECRET
from tests.integration.gateway.data import cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening
from tests.waiting import wait_until_async

PATH = "/api/comparison/premium?slug=amazon-vs-costco"


@asynccontextmanager
async def gateway(**environment: str) -> AsyncIterator[Process]:
    """A gateway process. It is stopped at the end of the block."""
    names = {**os.environ, "GATEWAY_HOST": "127.0.0.1", "METRICS_PORT": "", "WARMUP_SECRET": SECRET, **environment}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", env=names, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_ready(client: httpx.AsyncClient) -> None:
    """Waits until `/readyz` answers 200."""

    async def ready() -> bool:
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    await wait_until_async(ready, 60, "the gateway is ready")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_reports_demand_and_ends_with_0(number: signal.Signals) -> None:
    jobs, forecaster, port = FakeJobs(), FakeForecaster(), free_port()
    going = asyncio.Event()

    async def slow(_request: Any) -> jobs_pb2.RunWarmupResponse:
        await going.wait()
        return jobs_pb2.RunWarmupResponse()

    async def running() -> bool:
        return bool(jobs.calls["RunWarmup"])

    jobs.replies.update(GetWarmup=warmup(job()), RunWarmup=slow)
    forecaster.replies.update(GetForecasts=forecasts(cached()))
    async with (
        listening(jobs, forecaster) as address,
        gateway(JOBS_ADDR=address, FORECASTER_ADDR=address, GATEWAY_PORT=str(port), LAME_DUCK_SECONDS="3") as process,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"X-Warmup-Secret": SECRET}, timeout=60
        ) as client,
    ):
        await until_ready(client)
        run = asyncio.create_task(client.post("/api/jobs/run-warmup"))
        await wait_until_async(running, 30, "a run is in flight")
        served = await client.get(PATH)
        assert (served.status_code, served.headers.get("connection")) == (200, None)
        process.send_signal(number)

        async def draining() -> bool:
            return (await client.get("/readyz")).status_code == 503

        await wait_until_async(draining, 30, "readiness says that the gateway drains")
        last = await client.get(PATH)
        assert (last.status_code, last.headers["connection"]) == (200, "close"), (
            "the client must reconnect to another gateway"
        )
        going.set()
        assert (await run).json()["processed"] == 0
        assert await asyncio.wait_for(process.wait(), 60) == 0
        assert sum(each.count for call in jobs.calls["ReportDemand"] for each in call.request.demand) == 2


@pytest.mark.parametrize(("variable", "other"), [("GATEWAY_PORT", "METRICS_PORT"), ("METRICS_PORT", "GATEWAY_PORT")])
async def test_a_port_in_use_is_reported(variable: str, other: str) -> None:
    with socket.create_server(("127.0.0.1" if variable == "GATEWAY_PORT" else "", 0)) as occupied:
        port = occupied.getsockname()[1]
        async with gateway(**{variable: str(port), other: "0"}) as process:
            _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert f"{port} (Address already in use); is {variable} taken?" in said.decode()
    assert "Traceback" not in said.decode()


async def test_an_invalid_setting_is_named() -> None:
    async with gateway(GATEWAY_PORT="http") as process:
        _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert said.decode().startswith("configuration: GATEWAY_PORT: ")
