"""Peak memory of jobs at its limits of concurrent work."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial

import grpc
from warmcast.client import Deadlines, Jobs, WarmcastError, errors
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from benchmarks.capacity.usage import peak_bytes
from benchmarks.stack import SECRET, Stack

_WATCHERS = 1_000  # the most that one replica accepts
_CHANGES = 1_000
_CONNECTIONS = 20  # that the watchers share
_READERS = 10  # concurrent calls, one for each connection to PostgreSQL
_DEADLINES = Deadlines(read=60, command=300)
_FILE_BYTES, _POINTS = 2 * 1024 * 1024, 5_000  # of the largest accepted import


def peaks(stack: Stack) -> Iterator[tuple[str, int]]:
    """Puts one load after the other on jobs; yields each with the peak memory in bytes so far."""
    address, pid = stack.addresses.jobs_addr, stack.pids["jobs"]
    yield "at first", peak_bytes(pid)
    with Jobs(address, secret=SECRET, deadlines=_DEADLINES) as jobs, ExitStack() as cleanup:
        with ThreadPoolExecutor(_READERS) as pool:
            list(pool.map(lambda _: jobs.list_jobs(pb.ListJobsRequest(page_size=200)), range(20 * _READERS)))
        yield f"{_READERS} readers of pages of 200 jobs, over all connections to PostgreSQL", peak_bytes(pid)
        changes = _watch(address, cleanup)
        yield f"and {_WATCHERS:,} watchers", peak_bytes(pid)
        _await_changes(changes, jobs.requeue_jobs(pb.RequeueJobsRequest(status=pb.JOB_STATUS_QUEUED, max=_CHANGES)))
        yield f"and {_CHANGES:,} changes, sent to each watcher and not read", peak_bytes(pid)
    with Jobs(address, secret=SECRET, deadlines=_DEADLINES) as jobs:
        for concurrent in (1, 10, 50):
            files = [_largest(number) for number in range(concurrent)]
            with ThreadPoolExecutor(concurrent) as pool:
                answered = sum(pool.map(partial(_import, jobs), files))
            yield f"{concurrent} of the largest imports at once, {answered} answered within a minute", peak_bytes(pid)


def _import(jobs: Jobs, file: tuple[tuple[str, str], bytes]) -> bool:
    """Whether the import was answered before its deadline; on a busy machine many are not."""
    terms, content = file
    try:
        jobs.ingest_files([("export.csv", content)], terms=terms)
    except WarmcastError as error:
        if error.reason is not errors.DEADLINE_EXCEEDED:
            raise
        return False
    return True


def _watch(address: str, cleanup: ExitStack) -> Iterator[pb.WatchWarmupsResponse]:
    """Opens the streams and reads the first message of each; all but the returned one stay unread."""
    for number in range(_CONNECTIONS):
        channel = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1), ("number", number)])
        cleanup.enter_context(channel)
        stub = jobs_pb2_grpc.JobsServiceStub(channel)
        streams = [stub.WatchWarmups(pb.WatchWarmupsRequest()) for _ in range(_WATCHERS // _CONNECTIONS)]
        for stream in streams:
            next(iter(stream))
            cleanup.callback(stream.cancel)
    last: Iterator[pb.WatchWarmupsResponse] = iter(stream)
    return last


def _await_changes(stream: Iterator[pb.WatchWarmupsResponse], requeued: Iterable[pb.WarmupJob]) -> None:
    """Waits until `stream` has received a change of every re-queued job."""
    waiting = {job.data_hash for job in requeued}
    while waiting:
        waiting -= {change.data_hash for change in next(stream).changes}


def _largest(number: int) -> tuple[tuple[str, str], bytes]:
    """Two terms, and the largest accepted export that contains them."""
    first = date(2026, 11, 1) - timedelta(days=_POINTS - 1)
    terms = [f"big {number}", "market", *(f"other {column}" for column in range(28))]
    file = io.StringIO()
    file.write(f"Category: All categories\n\nDay,{','.join(f'{term}: (Worldwide)' for term in terms)}\n")
    for day in range(_POINTS):
        values = [(day * 7 + number + column) % 101 for column in range(len(terms))]
        file.write(f"{first + timedelta(days=day)},{','.join(f'{value:.9f}' for value in values)}\n")
    content = file.getvalue().encode()
    if not 0.95 * _FILE_BYTES < len(content) <= _FILE_BYTES:
        raise ValueError(f"{len(content)} bytes are not the largest accepted import")
    return (terms[0], terms[1]), content
