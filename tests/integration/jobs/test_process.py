"""The jobs service as a process: failures of PostgreSQL, start and end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import psycopg
import pytest
from psycopg import sql
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from devstack.processes import supervisor as supervising
from devstack.processes.supervisor import Supervisor
from devstack.product import Service
from devstack.stores.ports import LOOPBACK
from devstack.stores.postgres import Postgres
from tests.chaos.proxy import LinkFault, Proxy
from tests.integration.jobs.process import DRAIN_SECONDS, jobs_process
from tests.integration.jobs.service import CSV, SENT
from tests.waiting import wait_until

_CAUGHT_UP = 5.0  # seconds after PostgreSQL accepts writes again


def test_a_read_only_database_ends_neither_the_process_nor_any_loop(database_url: str) -> None:
    with jobs_process(database_url) as jobs:
        wait_until(jobs.ready, 30, "it is ready")
        pid = jobs.pid
        with _read_only(database_url):
            wait_until(lambda: _ingest(jobs) is grpc.StatusCode.UNAVAILABLE, 10, "imports are unavailable")
            wait_until(lambda: "PostgreSQL is read-only" in jobs.tail(200), 10, "the log names the cause")
            for _ in range(5):
                assert _ingest(jobs) is grpc.StatusCode.UNAVAILABLE
            assert jobs.alive()
        wait_until(lambda: _ingest(jobs) is grpc.StatusCode.OK, _CAUGHT_UP, "imports succeed again")
        assert jobs.ready()
        assert jobs.pid == pid
        assert "Traceback" not in jobs.tail(200)
        assert _exit_code(jobs) == 0


def test_the_process_starts_without_a_database_and_becomes_ready_with_it(database_url: str, postgres: Postgres) -> None:
    postgres.stop()
    try:
        with jobs_process(database_url) as jobs:
            wait_until(jobs.alive, 30, "it is alive")
            assert not jobs.ready()
            postgres.start()
            wait_until(jobs.ready, 15, "it is ready")
    finally:
        postgres.start()


@pytest.mark.slow
def test_sigterm_ends_it_while_postgresql_is_silent(database_url: str) -> None:
    with _linked(database_url) as (link, url), jobs_process(url) as jobs:
        wait_until(jobs.ready, 30, "it is ready")
        with link.with_fault(LinkFault.HALF_OPEN):
            wait_until(lambda: not jobs.ready(), 30, "it is not ready")
            assert jobs.alive()
            began = time.monotonic()
            assert _exit_code(jobs) == 0
            assert time.monotonic() - began < DRAIN_SECONDS + 30


@pytest.mark.parametrize("port", ["JOBS_LISTEN", "METRICS_PORT"])
def test_a_failed_start_ends_the_process_with_an_exit_code(database_url: str, port: str) -> None:
    with _linked(database_url) as (link, _):
        occupied = {"JOBS_LISTEN": f"{LOOPBACK}:{link.port}", "METRICS_PORT": str(link.port)}
        with jobs_process(database_url, **{port: occupied[port]}) as jobs:
            wait_until(lambda: not jobs.running, 20, "it ended")
            assert "ended with status 1" in jobs.exit_summary
            assert "taken" in jobs.exit_summary


@pytest.mark.slow
def test_a_frozen_process_is_restarted_by_the_supervisor(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "SILENT_SECONDS", 3.0)
    lines: list[str] = []
    with jobs_process(database_url) as jobs:
        supervisor = Supervisor(lines.append)
        supervisor.start(jobs)
        pid = jobs.pid

        def checked(until: bool) -> bool:
            supervisor.check()
            return until

        wait_until(lambda: checked(supervisor._supervised[0].alive_at is not None), 20, "it answered a health check")
        jobs.send(signal.SIGSTOP)
        wait_until(lambda: checked(jobs.pid != pid), 40, "it was started again", pause=0.2)
        wait_until(jobs.ready, 30, "it is ready again")
        assert any("has not answered its health check" in line for line in lines)


def _ingest(jobs: Service) -> grpc.StatusCode:
    """The status of an import."""
    address = jobs.environment["JOBS_LISTEN"]
    request = pb.IngestSnapshotRequest(files=pb.TrendsFiles(files=[pb.TrendsFile(name="a.csv", content=CSV)]))
    with grpc.insecure_channel(address) as channel:
        try:
            jobs_pb2_grpc.JobsServiceStub(channel).IngestSnapshot(request, metadata=SENT, timeout=10)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
    return grpc.StatusCode.OK


def _exit_code(jobs: Service) -> int | None:
    jobs.send(signal.SIGTERM)
    wait_until(lambda: not jobs.running, DRAIN_SECONDS + 40, "it ended")
    return jobs._child.exit_code


@contextmanager
def _read_only(url: str) -> Iterator[None]:
    """As after a failover: new sessions are read-only, and old ones are closed."""
    name = sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))


@contextmanager
def _linked(url: str) -> Iterator[tuple[Proxy, str]]:
    """The same database over a link with injected faults."""
    user, _, address = url.rpartition("@")
    server, _, name = address.partition("/")
    link = Proxy("to postgres", int(server.rpartition(":")[2]))
    try:
        yield link, f"{user}@{LOOPBACK}:{link.port}/{name}"
    finally:
        link.close()
