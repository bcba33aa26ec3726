"""A thousand event streams on one gateway: their memory, and the time until an event reaches all of them."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

from benchmarks.gateway.synthetic import premium, resident_bytes, series
from benchmarks.stack import Stack

_STREAMS = 1_000
_MOST_MEGABYTES = 60.0


def open_streams() -> list[tuple[str, str, str, bool]]:
    """Both targets, measured without the dispatcher, so that the event is triggered by the benchmark."""
    with Stack(DISPATCHER_ENABLED="false") as stack:
        base_url, pid = stack.gateway(EVENT_STREAMS=str(_STREAMS))
        http = stack.client(base_url)
        http.post("/api/comparisons", json=series(0)).raise_for_status()
        http.get(premium(0)).raise_for_status()
        before = resident_bytes(pid)
        port = int(base_url.rpartition(":")[2])
        megabytes, notified, settled = asyncio.run(_watch(port, pid, before, lambda: http.post("/api/jobs/run-warmup")))
        job = http.get("/api/jobs", params={"status": "ready"}).json()["jobs"][0]
        committed = datetime.fromisoformat(job["completedAt"]).timestamp()
    seconds = settled - committed
    return [
        (
            f"{_STREAMS} streams: more memory",
            f"{megabytes:.0f} MB",
            f"≤ {_MOST_MEGABYTES:.0f} MB",
            megabytes <= _MOST_MEGABYTES,
        ),
        (
            f"an event reaches all {notified}",
            f"{seconds:.2f} s after its commit",
            "≤ 1 s",
            notified == _STREAMS and seconds <= 1,
        ),
    ]


async def _watch(port: int, pid: int, before: int, act: Any) -> tuple[float, int, float]:
    path = premium(0).replace("/premium?", "/premium/events?")
    request = f"GET {path} HTTP/1.1\r\nHost: benchmark\r\n\r\n".encode()
    streams = []
    for _ in range(_STREAMS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        streams.append((reader, writer))
    async with asyncio.timeout(60):
        for reader, _ in streams:
            await reader.readuntil(b'"warmupStatus":"queued"')
        megabytes = (resident_bytes(pid) - before) / 1e6
        await asyncio.to_thread(act)
        times = await asyncio.gather(*(_ready(reader) for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return megabytes, len(times), max(times)


async def _ready(reader: asyncio.StreamReader) -> float:
    await reader.readuntil(b'"warmupStatus":"ready"')
    return time.time()
