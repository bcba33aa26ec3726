"""Load on a server, from wrk if installed, else from a small client."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

_IN_TURN = """
local paths, last = {%s}, 0
request = function()
    last = last %% #paths + 1
    return wrk.format("GET", paths[last])
end
"""
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Load:
    """The result of a load; times in seconds."""

    rate: float  # responses a second
    p50: float
    p99: float


def load(
    base_url: str, paths: Sequence[str], *, seconds: float, connections: int = 32, headers: dict[str, str] | None = None
) -> Load:
    """Requests the paths in turn, on all connections without a pause.

    Raises RuntimeError for a response other than 200 and 304.
    """
    if shutil.which("wrk"):
        return _wrk(base_url, paths, seconds, connections, headers or {})
    return asyncio.run(_own(base_url, paths, seconds, connections, headers or {}))


def tool() -> str:
    """The name of the load generator, for the report."""
    return "wrk" if shutil.which("wrk") else "the built-in loader"


def _wrk(base_url: str, paths: Sequence[str], seconds: float, connections: int, headers: dict[str, str]) -> Load:
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_IN_TURN % ", ".join(f'"{path}"' for path in paths))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--latency", "-s", script.name, *sent]
        said = subprocess.run([*command, base_url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None:
        raise RuntimeError(said)
    return Load(float(rate[1]), _percentile(said, 50), _percentile(said, 99))


def _percentile(said: str, which: int) -> float:
    found = re.search(rf"{which}%\s+([\d.]+)(us|ms|s)", said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1]) * _SECONDS[found[2]]


async def _own(base_url: str, paths: Sequence[str], seconds: float, connections: int, headers: dict[str, str]) -> Load:
    place = urlsplit(base_url)
    lines = [f"Host: {place.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    requests = cycle([("\r\n".join([f"GET {path} HTTP/1.1", *lines]) + "\r\n\r\n").encode() for path in paths])
    until, took = time.perf_counter() + seconds, list[float]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while (begun := time.perf_counter()) < until:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 304")):
                raise RuntimeError(head.decode())
            if length := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
                await reader.readexactly(int(length[1]))
            took.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    took.sort()
    return Load(len(took) / seconds, took[len(took) // 2], took[len(took) * 99 // 100])
