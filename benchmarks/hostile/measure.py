"""Measures the cost of hostile connections to the gateway: `make bench-hostile`."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from statistics import median

from benchmarks.gateway.load import Load, load
from benchmarks.gateway.synthetic import premium, resident_bytes
from benchmarks.hostile.attack import CROWD, FLOODS, LATE, UNREAD, connected, flood
from benchmarks.results import write_section
from benchmarks.stack import Stack, wait_until
from devstack.stores.ports import free_port

_MIB = 1024 * 1024
_SENT = 16 * _MIB  # bytes that one flood tries to send
_ROUNDS = 5
_SECONDS = 3.0  # of each load
_CALLERS = 8
_PIPELINED = 9_000
_LATEST = 40.0  # seconds after which a connection counts as never closed

Bar = tuple[str, str, str, bool]


def main(arguments: list[str]) -> int:
    """Prints a line per target. Returns 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="bench-hostile")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    with Stack() as stack:
        stand_in = free_port()
        stack.start("-m", "benchmarks.gateway.memory", str(stand_in))
        address = f"127.0.0.1:{stand_in}"
        base_url, pid = stack.gateway(JOBS_ADDR=address, FORECASTER_ADDR=address, LOG_LEVEL="error")
        http = stack.client(base_url)
        wait_until(lambda: http.get(premium(0)).status_code == 200, "the stand-in")
        load(base_url, [premium(0)], seconds=1)  # warm-up, so that memory is stable
        port = int(base_url.rpartition(":")[2])
        bars = asyncio.run(_memory(port, pid))
        bars += asyncio.run(_lateness(port))
        bars.append(asyncio.run(_pipelined(port)))
        bars.append(_latency(stack, base_url, port))
    lines = ["| measured | value | bar | |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {value} | {bar} | {'held' if held else '**missed**'} |" for what, value, bar, held in bars]
    if options.write:
        how = f"; a gateway as it is by default, in front of a stand-in; the p99 with {_CALLERS} callers, "
        how += f"median ratio of {_ROUNDS} rounds of {_SECONDS:g} s without and with the attack."
        write_section("hostile", "Hostile connections", how, lines)
    print("\n".join(lines))
    return 0 if all(held for *_, held in bars) else 1


async def _memory(port: int, pid: int) -> list[Bar]:
    bars = []
    for attack in FLOODS:
        before = resident_bytes(pid)
        async with connected(port) as client:
            sent = await flood(client, attack, _SENT)
            more = (resident_bytes(pid) - before) / _MIB
        value = f"{more:+.1f} MiB ({sent / _MIB:.1f} MiB sent)"
        bars.append((f"one connection, {attack.name}", value, "≤ 4 MiB", more <= 4))
    before = resident_bytes(pid)
    async with AsyncExitStack() as ends:
        clients = [await ends.enter_async_context(connected(port)) for _ in range(CROWD)]
        await asyncio.gather(*(flood(each, FLOODS[n % len(FLOODS)], _SENT) for n, each in enumerate(clients)))
        mixed = (resident_bytes(pid) - before) / _MIB
    async with AsyncExitStack() as ends:
        clients = [await ends.enter_async_context(connected(port)) for _ in range(CROWD)]
        await asyncio.gather(*(flood(each, FLOODS[-1], _SENT) for each in clients))
        unread = (resident_bytes(pid) - before) / _MIB
    bars.append((f"{CROWD} connections, of all kinds", f"{mixed:+.1f} MiB", "≤ 64 MiB", mixed <= 64))
    bars.append((f"{CROWD} connections, {FLOODS[-1].name}", f"{unread:+.1f} MiB", "≤ 64 MiB", unread <= 64))
    return bars


async def _lateness(port: int) -> list[Bar]:
    waits = [_late(port, first, then) for _, first, then in LATE]
    took = await asyncio.gather(*waits, _unread(port), _dripping(port))
    names = [*(name for name, *_ in LATE), "a reader that does not read", "a body of a byte a second"]
    return [
        (f"ended: {name}", f"{seconds:.1f} s", "≤ 30 s", seconds <= 30)
        for name, seconds in zip(names, took, strict=True)
    ]


async def _late(port: int, first: bytes, then: bytes) -> float:
    loop, begun = asyncio.get_running_loop(), time.monotonic()
    async with connected(port) as client:
        await loop.sock_sendall(client, first)
        if then:
            await loop.sock_recv(client, _MIB)
            begun = time.monotonic()
            await loop.sock_sendall(client, then)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LATEST):
                while await loop.sock_recv(client, _MIB):
                    pass
    return time.monotonic() - begun


async def _unread(port: int) -> float:
    async with connected(port) as client:
        await asyncio.get_running_loop().sock_sendall(client, UNREAD)
        return await _until_gone(client.getsockname()[1])


async def _dripping(port: int) -> float:
    begun, loop = time.monotonic(), asyncio.get_running_loop()
    async with connected(port) as client:
        await loop.sock_sendall(client, b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):
            while time.monotonic() < begun + _LATEST:
                await loop.sock_sendall(client, b"1\r\n \r\n")
                await asyncio.sleep(1)
    return time.monotonic() - begun


async def _until_gone(port: int) -> float:
    """Seconds until the gateway's side of the connection is closed, from the kernel's table."""
    begun = time.monotonic()
    with suppress(TimeoutError):
        await asyncio.to_thread(
            wait_until, lambda: not _established(f":{port:04X}"), "its end", seconds=_LATEST, pause=0.1
        )
    return time.monotonic() - begun


def _established(mine: str) -> bool:
    rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return any(remote.endswith(mine) and state == "01" for _, _, remote, state, *_ in rows)


async def _pipelined(port: int) -> Bar:
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\n\r\n" * _PIPELINED)
    right = 0
    with suppress(EOFError, TimeoutError, OSError):
        async with asyncio.timeout(60):
            while right < _PIPELINED:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readuntil(b"}")
                right += head.startswith(b"HTTP/1.1 200")
    writer.close()
    took = time.monotonic() - begun
    value = f"{right:,} ({took:.1f} s)"
    return f"of {_PIPELINED:,} pipelined requests answered with 200", value, f"{_PIPELINED:,}", right == _PIPELINED


def _latency(stack: Stack, base_url: str, port: int) -> Bar:
    alone, attacked = list[Load](), list[Load]()
    for _ in range(_ROUNDS):
        alone.append(load(base_url, [premium(0)], seconds=_SECONDS, connections=_CALLERS))
        crowd = stack.start("-m", "benchmarks.hostile.attack", str(port), str(_SECONDS + 1), out=subprocess.PIPE)
        assert crowd.stdout is not None
        crowd.stdout.readline()  # the attack has begun
        attacked.append(load(base_url, [premium(0)], seconds=_SECONDS, connections=_CALLERS))
        crowd.wait()
    ratios = [during.p99 / before.p99 for before, during in zip(alone, attacked, strict=True)]
    before, during = (1_000 * median(one.p99 for one in loads) for loads in (alone, attacked))
    value = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}; medians {before:.1f} → {during:.1f} ms)"
    return f"warm p99 beside {CROWD} hostile connections ÷ without", value, "≤ 3", median(ratios) <= 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
