"""Measures the operators' console over a long history: `make bench-console`."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import grpc
import psycopg
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc, operations_pb2_grpc
from warmcast.jobs.v1 import operations_pb2 as pb

from benchmarks.capacity.usage import cpu_seconds
from benchmarks.console.rows import DAYS, fill
from benchmarks.results import write_section
from benchmarks.stack import SECRET, Stack, wait_until

_JOBS, _ATTEMPTS = 1_000_000, 3_000_000
_LIMIT = 0.150  # seconds, of a page at p95 when warm
_CALLS = 60
_WARM_UPS = 3
_KEPT_SECONDS = 10.1  # longer than jobs keeps any answer
_CALLS_AFTER_KEPT = 20
_CATCH_UP_SECONDS = 600.0
_SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Measured:
    """Seconds that the calls of one RPC or page took."""

    name: str
    seconds: list[float]
    cpu: float  # mean of one call, of jobs, PostgreSQL and the gateway

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1]

    def line(self) -> str:
        middle, high = statistics.median(self.seconds), max(self.seconds)
        held = "held" if self.p95 <= _LIMIT else "**missed**"
        times = " | ".join(f"{1000 * seconds:.1f}" for seconds in (middle, self.p95, high))
        return f"| {self.name} | {1000 * self.cpu:.0f} | {times} | {held} |"


def main(arguments: list[str]) -> int:
    """Prints a line for each RPC and page. Returns 1 if one misses its limit."""
    parser = argparse.ArgumentParser(prog="bench-console")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args(arguments)
    share = 10 if options.quick else 1
    jobs, attempts = _JOBS // share, _ATTEMPTS // share
    head = ["| called | CPU, ms | median, ms | p95, ms | most, ms | p95 ≤ 150 ms |"]
    head += ["| --- | ---: | ---: | ---: | ---: | --- |"]
    print("\n".join(head), flush=True)
    found = []
    # Without the dispatcher, so that the rows stay as they are.
    with Stack(LOG_LEVEL="error", WORKER_SLOTS="1", DISPATCHER_ENABLED="false") as stack:
        begun = time.perf_counter()
        fill(stack.environment["DATABASE_URL"], jobs=jobs, attempts=attempts)
        filled = time.perf_counter() - begun
        begun = time.perf_counter()
        _await_statistics(stack)
        summed = time.perf_counter() - begun
        for each in chain(_rpcs(stack), _pages(stack)):
            found.append(each)
            print(each.line(), flush=True)
    sums = (
        "Jobs keeps statistics for 2 s, the summary of coverage and the track record for 10 s, so that most of these "
        f"calls read nothing; those where no answer is kept are {_CALLS_AFTER_KEPT} calls with pauses. "
        f"Rows were inserted in {filled:.0f} s. The statistics of {DAYS} days were caught up {summed:.0f} s later, "
        "in steps of an hour."
    )
    print(sums)
    if options.write:
        how = (
            f"; {jobs:,} jobs of {jobs // 10:,} comparisons, {attempts:,} attempts over {DAYS} days; {_CALLS} calls of "
            "each when warm, one after the other, timed by a client on the same machine, whose load was "
            f"{os.getloadavg()[1]:.0f}; CPU is the mean of a call in the gateway, jobs and PostgreSQL."
        )
        write_section("console", "The operators' console", how, [*head, *(each.line() for each in found), "", sums])
    return 0 if all(each.p95 <= _LIMIT for each in found) else 1


def _await_statistics(stack: Stack) -> None:
    """Waits until the loop in jobs has summed up all attempts."""
    query = "SELECT until >= now() - interval '2 minutes' FROM attempt_statistics_position"
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:

        def caught_up() -> bool:
            row = connection.execute(query).fetchone()
            return row is not None and bool(row[0])

        # The loop has read the empty database: it would go on from now.
        connection.execute("DELETE FROM attempt_statistics_position")
        wait_until(caught_up, "the statistics", seconds=_CATCH_UP_SECONDS, pause=0.2)
        connection.execute("VACUUM ANALYZE attempt_statistics")


def _rpcs(stack: Stack) -> Iterator[Measured]:
    with grpc.insecure_channel(stack.addresses.jobs_addr) as channel:
        jobs, operations = jobs_pb2_grpc.JobsServiceStub(channel), operations_pb2_grpc.OperationsServiceStub(channel)
        yield _measure(stack, "GetStatus", lambda: jobs.GetStatus(jobs_pb2.GetStatusRequest()))
        for hours in (1, 6, 24, 168):
            wanted = pb.GetStatisticsRequest(window_hours=hours)
            yield _measure(stack, f"GetStatistics, {hours} h", lambda wanted=wanted: operations.GetStatistics(wanted))
        yield _measure(stack, "ListHolders", lambda: operations.ListHolders(pb.ListHoldersRequest()))
        yield _measure(
            stack, "GetCoverageSummary", lambda: operations.GetCoverageSummary(pb.GetCoverageSummaryRequest())
        )
        for name, request in _coverages(operations):
            yield _measure(stack, f"ListCoverage, {name}", lambda request=request: operations.ListCoverage(request))
        yield _measure(stack, "GetTrackRecord", lambda: operations.GetTrackRecord(pb.GetTrackRecordRequest()))
        yield _measure(stack, "ListAttempts", lambda: operations.ListAttempts(pb.ListAttemptsRequest(job_id=7)))
        yield _measure(stack, "ListActions", lambda: operations.ListActions(pb.ListActionsRequest()))
        yield _measure(stack, "ListScheduleRuns", lambda: operations.ListScheduleRuns(pb.ListScheduleRunsRequest()))
        for name, listed in _listings():
            yield _measure(stack, f"ListJobs, {name}", lambda listed=listed: jobs.ListJobs(listed))


def _coverages(operations: operations_pb2_grpc.OperationsServiceStub) -> Iterator[tuple[str, pb.ListCoverageRequest]]:
    first = operations.ListCoverage(pb.ListCoverageRequest())
    yield "first page", pb.ListCoverageRequest()
    yield "second page", pb.ListCoverageRequest(page_token=first.next_page_token)
    for state in ("fresh", "stale", "stale-engine-version", "cold", "failed"):
        yield state, pb.ListCoverageRequest(filter=pb.CoverageFilter(state=state))
    yield "requested", pb.ListCoverageRequest(filter=pb.CoverageFilter(requested=True))
    yield "a geo that none has", pb.ListCoverageRequest(filter=pb.CoverageFilter(geo="AT"))
    yield "a query that few match", pb.ListCoverageRequest(filter=pb.CoverageFilter(query="shop 77"))
    yield "a query that all match", pb.ListCoverageRequest(filter=pb.CoverageFilter(query="market"))
    yield "a query that all match, cold", pb.ListCoverageRequest(filter=pb.CoverageFilter(query="market", state="cold"))


def _listings() -> Iterator[tuple[str, jobs_pb2.ListJobsRequest]]:
    yield "first page", jobs_pb2.ListJobsRequest()
    yield "failed", jobs_pb2.ListJobsRequest(status=jobs_pb2.JOB_STATUS_FAILED)
    yield "queued", jobs_pb2.ListJobsRequest(status=jobs_pb2.JOB_STATUS_QUEUED)
    yield "of one error", jobs_pb2.ListJobsRequest(error_reason="unwarmable")
    yield "of one timeframe and geo", jobs_pb2.ListJobsRequest(timeframe="5y", geo="US")
    yield "of one reason", jobs_pb2.ListJobsRequest(reason="refresh")
    yield "of an engine version that none has", jobs_pb2.ListJobsRequest(engine_version="1")
    yield "of one slug", jobs_pb2.ListJobsRequest(slug="market-vs-shop-77")


def _pages(stack: Stack) -> Iterator[Measured]:
    base, stack.pids["gateway"] = stack.gateway()
    http = stack.client(base)
    http.post("/login", data={"name": "benchmark", "credential": SECRET}, headers=_SAME_SITE)
    for path in (
        "/ops",
        "/ops/jobs",
        "/ops/jobs?status=failed",
        "/ops/jobs/7",
        "/ops/comparisons",
        "/ops/comparisons?state=cold",
        "/ops/track-record",
        "/ops/audit",
    ):
        yield _measure(stack, f"`{path}`", lambda path=path: http.get(path).raise_for_status())
    for path in ("/ops", "/ops/comparisons", "/ops/track-record"):
        yield _measure(
            stack,
            f"`{path}`, no answer kept",
            lambda path=path: http.get(path).raise_for_status(),
            calls=_CALLS_AFTER_KEPT,
            pause=_KEPT_SECONDS,
        )


def _measure(stack: Stack, name: str, call: Callable[[], object], *, calls: int = _CALLS, pause: float = 0) -> Measured:
    for _ in range(_WARM_UPS):
        call()
    seconds, cpu = [], 0.0
    for _ in range(calls):
        time.sleep(pause)  # until no answer is kept
        cpu_before, begun = _cpu(stack), time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
        cpu += _cpu(stack) - cpu_before
    return Measured(name, seconds, cpu / calls)


def _cpu(stack: Stack) -> float:
    return sum(cpu_seconds(stack.pids[name]) for name in ("jobs", "postgres", "gateway") if name in stack.pids)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
