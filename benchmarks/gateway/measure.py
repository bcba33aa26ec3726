"""Measures the gateway beside bare Starlette, its event streams and its memory: `make bench-gateway`."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from importlib.metadata import version

import httpx

from benchmarks.gateway.load import Load, load, tool
from benchmarks.gateway.memory import memory_growth
from benchmarks.gateway.streams import open_streams
from benchmarks.gateway.synthetic import premium, series
from benchmarks.results import write_section
from benchmarks.stack import Stack, wait_until
from devstack.stores.ports import free_port

_PLAIN = {"Accept-Encoding": "identity"}
_COLD = 40


def main(arguments: list[str]) -> int:
    """Prints a line per target. Returns 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="bench-gateway")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each load")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the memory test; 0 skips it")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    bars = [*_rates(options.rounds, options.seconds), *open_streams()]
    if options.requests:
        bars += memory_growth(options.requests)
    lines = ["| measured | value | bar | |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {value} | {bar} | {'held' if held else '**missed**'} |" for what, value, bar, held in bars]
    if options.write:
        versions = ", ".join(
            f"{name} {version(name)}" for name in ("starlette", "uvicorn", "uvloop", "httptools", "grpcio")
        )
        how = (
            f"; {options.rounds} interleaved rounds of {options.seconds:g} s each, medians; {tool()}, 32 connections; "
        )
        how += f"{versions}."
        write_section("gateway", "The gateway", how, lines)
    print("\n".join(lines))
    return 0 if all(held for *_, held in bars) else 1


def _rates(rounds: int, seconds: float) -> list[tuple[str, str, str, bool]]:
    with Stack() as stack:
        memory, _ = stack.gateway()
        by_call, _ = stack.gateway(WARM_ANSWER_SECONDS="0")
        http = stack.client(memory)
        http.post("/api/comparisons", json=series(0)).raise_for_status()
        wait_until(lambda: http.get(premium(0)).json()["warmupStatus"] == "ready", "a forecast")
        answer = http.get(premium(0), headers=_PLAIN)
        tag = {"If-None-Match": answer.headers["etag"]}
        (stack.folder / "body").write_bytes(answer.content)
        bare_port, echo_port = free_port(), free_port()
        stack.start("-m", "benchmarks.gateway.bare", "echo", str(echo_port))
        stack.start("-m", "benchmarks.gateway.bare", "http", str(bare_port), str(echo_port), str(stack.folder / "body"))
        bare = f"http://127.0.0.1:{bare_port}"
        beside = stack.client(bare)
        wait_until(lambda: _answers(beside), "bare Starlette")
        cold = _cold(stack, memory)
        # More comparisons than connections, so that concurrent calls rarely share a fetch.
        many = [premium(number) for number in range(1, _COLD + 1)]
        options = {
            "bare": (bare, ["/same"], _PLAIN),
            "memory": (memory, [premium(0)], _PLAIN),
            "bare 304": (bare, ["/unmodified"], tag),
            "304": (memory, [premium(0)], {**_PLAIN, **tag}),
            "bare call": (bare, ["/echo"], _PLAIN),
            "call": (by_call, many, _PLAIN),
        }
        seen: dict[str, list[Load]] = {name: [] for name in options}
        for number in range(rounds + 1):  # the first is a warm-up
            for name, (base_url, paths, headers) in options.items():
                one = load(base_url, paths, seconds=seconds if number else 1, headers=headers)
                if number:
                    seen[name].append(one)
    rate = {name: statistics.median(one.rate for one in loads) for name, loads in seen.items()}
    tail = statistics.median(one.p99 / one.p50 for one in seen["memory"])
    return [
        _ratio("warm answer from memory ÷ the same bytes from bare Starlette", rate["memory"], rate["bare"], 0.5),
        _ratio("304 ÷ a bare 304", rate["304"], rate["bare 304"], 0.5),
        _ratio("warm answer by RPC ÷ bare Starlette with one echo call", rate["call"], rate["bare call"], 0.35),
        ("p99 ÷ p50 of warm answers from memory", f"{tail:.2f}", "≤ 3", tail <= 3),
        (f"first cold answer, median of {_COLD}", f"{1000 * cold:.1f} ms", "≤ 25 ms", cold <= 0.025),
    ]


def _ratio(what: str, ours: float, theirs: float, bar: float) -> tuple[str, str, str, bool]:
    ratio = ours / theirs
    return what, f"{ratio:.2f} ({ours:,.0f}/s against {theirs:,.0f}/s)", f"≥ {bar:g}", ratio >= bar


def _cold(stack: Stack, base_url: str) -> float:
    """Measures first calls of comparisons, without other load."""
    http, took = stack.client(base_url), []
    for number in range(1, _COLD + 1):
        http.post("/api/comparisons", json=series(number)).raise_for_status()
        begun = time.perf_counter()
        answer = http.get(premium(number))
        took.append(time.perf_counter() - begun)
        if answer.json()["warmupStatus"] != "queued":
            raise RuntimeError(answer.text)
        wait_until(lambda: http.get(premium(number)).json()["warmupStatus"] == "ready", "a forecast")  # noqa: B023
    return statistics.median(took)


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/echo").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
