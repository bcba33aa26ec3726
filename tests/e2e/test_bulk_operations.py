"""A bulk operation whose replica is killed: another one ends it, and each job is changed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import grpc
import psycopg
import pytest
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc, operations_pb2, operations_pb2_grpc

from devstack.processes.supervisor import Supervisor
from devstack.product import Service
from devstack.readiness import grpc_ready
from devstack.stores.ports import LOOPBACK, free_port
from services.common.rpc import metadata
from services.jobs.postgres.operations.bulk import BATCH
from tests.e2e.conftest import SECRET, machine
from tests.integration.jobs.operations.filling import FILL
from tests.waiting import wait_until

COUNT = 5 * BATCH
SENT = (*metadata.outgoing(secret=SECRET), (metadata.OPERATOR, "Ada"))
QUEUED = operations_pb2.JobFilter(status=jobs_pb2.JOB_STATUS_QUEUED)


@pytest.fixture
def start(database_url: str) -> Iterator[Callable[[], Service]]:
    """Starts replicas of jobs that run no jobs, and stops them after the test."""
    supervisor = Supervisor(print)

    def started() -> Service:
        address = f"{LOOPBACK}:{free_port()}"
        environment = {
            **machine(),
            "LOG_FORMAT": "console",
            "PYTHONUNBUFFERED": "1",
            "WARMUP_SECRET": SECRET,
            "DATABASE_URL": database_url,
            "FORECASTER_ADDR": f"{LOOPBACK}:{free_port()}",
            "DISPATCHER_ENABLED": "false",
            "JOBS_LISTEN": address,
            "METRICS_PORT": "0",
        }
        service = Service("jobs", environment, partial(grpc_ready, address), print)
        supervisor.start(service)
        return service

    yield started
    supervisor.stop()


def test_another_replica_ends_the_operation_of_a_killed_one(database_url: str, start: Callable[[], Service]) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement.encode(), {"count": COUNT, "status": "queued"})
        before = _versions(connection)
        runs = start()
        with _channel(runs) as channel:
            jobs = jobs_pb2_grpc.JobsServiceStub(channel)
            operations = operations_pb2_grpc.OperationsServiceStub(channel)
            prepared = operations.PrepareBulkOperation(
                operations_pb2.PrepareBulkOperationRequest(action=operations_pb2.BULK_ACTION_CANCEL, jobs=QUEUED),
                timeout=30,
                metadata=SENT,
            ).operation
            assert prepared.matched == COUNT
            # One job of each batch changes after the dry run.
            changed = sorted(before)[::BATCH]
            for job_id in changed:
                jobs.RequeueJob(jobs_pb2.RequeueJobRequest(id=job_id), timeout=10, metadata=SENT)
            with psycopg.connect(database_url) as blocker:
                # The third batch waits for this row.
                held = sorted(before)[2 * BATCH + BATCH // 2]
                blocker.execute("SELECT FROM warmup_jobs WHERE id = %s FOR UPDATE", [held])
                confirm = operations_pb2.ConfirmBulkOperationRequest(id=prepared.id, reason="a test")
                operations.ConfirmBulkOperation(confirm, timeout=10, metadata=SENT)
                wait_until(lambda: _waiting(connection) == 1, 30, "the third batch waits")
                continues = start()
                runs.kill()
                blocker.rollback()
        with _channel(continues) as channel:
            operations = operations_pb2_grpc.OperationsServiceStub(channel)

            def ended() -> operations_pb2.BulkOperation:
                request = operations_pb2.GetBulkOperationRequest(id=prepared.id)
                return operations.GetBulkOperation(request, timeout=10).operation

            wait_until(lambda: ended().state == "done", 60, "the operation is done")
            operation = ended()
            [action] = [
                each
                for each in operations.ListActions(operations_pb2.ListActionsRequest(), timeout=10).actions
                if each.operation_id == prepared.id
            ]
        after = _versions(connection)
    assert (operation.matched, operation.done, operation.skipped) == (COUNT, COUNT - len(changed), len(changed))
    assert (action.operator, action.reason, action.count) == ("Ada", "a test", operation.done)
    assert after == {job_id: version + 1 for job_id, version in before.items()}


def _channel(service: Service) -> grpc.Channel:
    return grpc.insecure_channel(service.environment["JOBS_LISTEN"])


def _versions(connection: psycopg.Connection) -> dict[int, int]:
    """The version of each job."""
    rows = connection.execute("SELECT id, version FROM warmup_jobs")
    return {int(job_id): int(version) for job_id, version in rows}


def _waiting(connection: psycopg.Connection) -> int:
    """How many connections wait for a lock."""
    [(number,)] = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return int(number)
