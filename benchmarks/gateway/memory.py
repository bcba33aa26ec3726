"""Checks that the gateway's memory does not grow over many requests for many comparisons.

A stand-in behind the gateway has a ready forecast for every comparison, so that every cache is filled and evicts. Each
comparison is requested ten times in a row.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import grpc
import uvloop
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc

from benchmarks.gateway.synthetic import resident_bytes
from benchmarks.stack import Stack, wait_until
from devstack.stores.ports import free_port

_SLUGS = 100_000
_CONNECTIONS = 16
_MAX_GROWTH = 1.05  # at the end ÷ at a third, when all caches are full
# Bytes of each part of a five-year answer (tests/unit/gateway/premium/test_five_years.py makes such answers).
_BUNDLE, _HEAD_TO_HEAD, _INSIGHTS, _TOGETHER, _INTERPRETATIONS = (
    b'"' + b"x" * (size - 2) + b'"' for size in (4_000, 3_600, 2_600, 700, 2_400)
)


def memory_growth(requests: int) -> list[tuple[str, str, str, bool]]:
    """The target: resident memory at the end ÷ at a third of the requests."""
    with Stack() as stack:
        port = free_port()
        stack.start("-m", "benchmarks.gateway.memory", str(port))
        address = f"127.0.0.1:{port}"
        base_url, pid = stack.gateway(JOBS_ADDR=address, FORECASTER_ADDR=address, LOG_LEVEL="warning")
        http = stack.client(base_url)
        wait_until(lambda: http.get(_path(0)).status_code == 200, "the stand-in")
        place = int(base_url.rpartition(":")[2])
        begun = time.perf_counter()
        asyncio.run(_ask(place, 0, requests // 3, requests))
        early = resident_bytes(pid)
        asyncio.run(_ask(place, requests // 3, requests, requests))
        late = resident_bytes(pid)
        rate = requests / (time.perf_counter() - begun)
    ratio = late / early
    return [
        (
            f"memory after {requests:,} requests over {_SLUGS:,} slugs ÷ after a third of them",
            f"{ratio:.3f} ({early / 1e6:.0f} → {late / 1e6:.0f} MB, {rate:,.0f}/s)",
            f"≤ {_MAX_GROWTH}",
            ratio <= _MAX_GROWTH,
        )
    ]


async def _ask(port: int, first: int, last: int, requests: int) -> None:
    each = -(-requests // _SLUGS)
    numbers = iter(range(first // each, last // each))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            request = f"GET {_path(number)} HTTP/1.1\r\nHost: benchmark\r\n\r\n".encode()
            for _ in range(each):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(head.decode())
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(client() for _ in range(_CONNECTIONS)))


def _path(number: int) -> str:
    return f"/api/comparison/premium?slug=market-vs-shop-{number}&tf=5y"


class _Jobs(jobs_pb2_grpc.JobsServiceServicer):
    async def GetWarmup(self, request: jobs_pb2.GetWarmupRequest, context: Any) -> jobs_pb2.GetWarmupResponse:
        return _warmup(request.key)

    async def BatchGetWarmups(
        self, request: jobs_pb2.BatchGetWarmupsRequest, context: Any
    ) -> jobs_pb2.BatchGetWarmupsResponse:
        return jobs_pb2.BatchGetWarmupsResponse(warmups=map(_warmup, request.keys))

    async def ReportDemand(self, request: jobs_pb2.ReportDemandRequest, context: Any) -> jobs_pb2.ReportDemandResponse:
        return jobs_pb2.ReportDemandResponse()


class _Forecaster(forecaster_pb2_grpc.ForecasterServiceServicer):
    async def GetForecasts(
        self, request: forecaster_pb2.GetForecastsRequest, context: Any
    ) -> forecaster_pb2.GetForecastsResponse:
        held = forecaster_pb2.CachedForecasts(
            freshness=forecaster_pb2.FRESHNESS_FRESH,
            term_a_json=_BUNDLE,
            term_b_json=_BUNDLE,
            head_to_head_json=_HEAD_TO_HEAD,
            insights_a_json=_INSIGHTS,
            insights_b_json=_INSIGHTS,
            together_json=_TOGETHER,
            interpretations_json=_INTERPRETATIONS,
        )
        held.generated_at.GetCurrentTime()
        return forecaster_pb2.GetForecastsResponse(forecasts=[held] * len(request.keys))


def _warmup(key: jobs_pb2.ComparisonKey) -> jobs_pb2.GetWarmupResponse:
    term_a, _, term_b = key.slug.partition("-vs-")
    job = jobs_pb2.WarmupJob(id=1, status=jobs_pb2.JOB_STATUS_READY, version=3, engine_version="1")
    return jobs_pb2.GetWarmupResponse(
        slug=key.slug, term_a=term_a, term_b=term_b, timeframe=key.timeframe, data_hash="0" * 16, job=job
    )


async def _stand_in(port: int) -> None:
    server = grpc.aio.server()
    jobs_pb2_grpc.add_JobsServiceServicer_to_server(_Jobs(), server)
    forecaster_pb2_grpc.add_ForecasterServiceServicer_to_server(_Forecaster(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_stand_in(int(sys.argv[1])))
