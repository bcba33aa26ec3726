"""Calls with an Idempotency-Key, against real PostgreSQL: run once, replayed, taken over after a lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.server.interceptors import InterceptorChain, with_errors
from services.common.rpc.status import from_rpc_error
from services.jobs.postgres.idempotency_keys import KEPT_SECONDS, LEASE_SECONDS, IdempotencyKeys
from services.jobs.rpc.idempotency import IdempotencyInterceptor
from services.jobs.rpc.servicer import SERVICE
from tests.integration.jobs.conftest import Store
from tests.waiting import wait_until_async

Handler = Callable[[Any], Awaitable[Any]]
KEPT = "SELECT method, key, response IS NOT NULL AS done FROM idempotency_keys ORDER BY method, key"


class Servicer(jobs_pb2_grpc.JobsServiceServicer):
    """Counts its runs; the test sets their behaviour."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.act: Handler | None = None

    async def _run(self, request: Any, answer: Any) -> Any:
        self.runs.append(request)
        return answer if self.act is None else await self.act(request)

    async def RequeueJob(self, request: Any, context: Any) -> Any:
        return await self._run(request, pb.RequeueJobResponse(job=pb.WarmupJob(id=len(self.runs) + 1)))

    async def CancelJob(self, request: Any, context: Any) -> Any:
        return await self._run(request, pb.CancelJobResponse(job=pb.WarmupJob(id=len(self.runs) + 1)))


class Client:
    """One replica of jobs and a channel to it."""

    def __init__(
        self, stub: jobs_pb2_grpc.JobsServiceAsyncStub, servicer: Servicer, idempotency: IdempotencyInterceptor
    ) -> None:
        self.stub, self.servicer, self.idempotency = stub, servicer, idempotency

    def requeue(self, key: str, job_id: int = 7) -> Any:
        """A call with `key`; empty: without a key."""
        return self.stub.RequeueJob(pb.RequeueJobRequest(id=job_id), metadata=_sent(key))

    async def outcome(self, key: str, job_id: int = 7) -> tuple[int, bool]:
        """The id in the response, and whether the response was replayed."""
        call = self.requeue(key, job_id)
        answer = await call
        return answer.job.id, metadata.read(await call.trailing_metadata(), metadata.IDEMPOTENCY_REPLAYED) == "true"

    async def refused(self, key: str, job_id: int = 7) -> WarmcastError:
        """The error of a call."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.requeue(key, job_id)
        return from_rpc_error(caught.value, service="jobs")


def _sent(key: str) -> metadata.Metadata:
    return ((metadata.IDEMPOTENCY_KEY, key),) if key else ()


@asynccontextmanager
async def replica(store: Store, *, lease: float = LEASE_SECONDS, guarded: bool = True) -> AsyncIterator[Client]:
    """A server on the same database; without `guarded` it has no interceptor."""
    servicer = Servicer()  # type: ignore[abstract] # what it leaves out answers UNIMPLEMENTED
    keys = IdempotencyKeys(store.database, lease=lease)
    idempotency = IdempotencyInterceptor(keys, [f"/{SERVICE}/{method}" for method in ("RequeueJob", "CancelJob")])
    server = grpc.aio.server(
        interceptors=[InterceptorChain([with_errors]), *([idempotency] if guarded else [])],
        options=[("grpc.so_reuseport", 0)],
    )
    jobs_pb2_grpc.add_JobsServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Client(jobs_pb2_grpc.JobsServiceStub(channel), servicer, idempotency)
        await idempotency.drain(0)
    await server.stop(0)


async def test_a_repeated_call_gets_the_kept_response_from_any_replica(store: Store) -> None:
    async with replica(store) as one, replica(store) as other:
        assert await one.outcome("a") == (1, False)
        assert await one.outcome("a") == (1, True)
        assert await other.outcome("a") == (1, True)
        assert (len(one.servicer.runs), len(other.servicer.runs)) == (1, 0)


async def test_a_call_without_a_key_is_not_kept(store: Store) -> None:
    async with replica(store) as client:
        assert [await client.outcome("") for _ in range(2)] == [(1, False), (2, False)]
        assert await store.execute(KEPT) == []


async def test_keys_are_separate_for_each_method(store: Store) -> None:
    async with replica(store) as client:
        assert (await client.outcome("a"))[0] == 1
        assert (await client.outcome("b"))[0] == 2
        cancelled = await client.stub.CancelJob(pb.CancelJobRequest(id=7), metadata=_sent("a"))
        assert cancelled.job.id == 3
        assert [tuple(row.values()) for row in await store.execute(KEPT)] == [
            ("CancelJob", "a", True),
            ("RequeueJob", "a", True),
            ("RequeueJob", "b", True),
        ]


async def test_a_key_that_was_used_for_another_request_is_refused(store: Store) -> None:
    async with replica(store) as client:
        await client.outcome("a", job_id=7)
        assert (await client.refused("a", job_id=8)).reason is errors.IDEMPOTENCY_MISMATCH
        assert len(client.servicer.runs) == 1


@pytest.mark.parametrize("key", ["x" * 256, "a b", " "])
async def test_an_invalid_key_is_refused(store: Store, key: str) -> None:
    async with replica(store) as client:
        error = await client.refused(key)
        assert error.reason is errors.INVALID_ARGUMENT
        assert error.fields[0][0] == "Idempotency-Key"


async def _twenty_at_once(store: Store, *, guarded: bool) -> tuple[int, list[BaseException]]:
    """Sends twenty identical calls to two replicas. Returns the number of runs and the errors."""
    async with replica(store, guarded=guarded) as one, replica(store, guarded=guarded) as other:
        going = asyncio.Event()

        async def slow(_request: Any) -> pb.RequeueJobResponse:
            await going.wait()
            return pb.RequeueJobResponse(job=pb.WarmupJob(id=1))

        one.servicer.act = other.servicer.act = slow
        calls = [asyncio.ensure_future(client.requeue("a")) for _ in range(10) for client in (one, other)]

        async def arrived() -> bool:
            running = len(one.servicer.runs) + len(other.servicer.runs)
            return bool(running + sum(call.done() for call in calls) == len(calls))

        await wait_until_async(arrived, 10, "each call runs or was answered")
        going.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        runs = len(one.servicer.runs) + len(other.servicer.runs)
    return runs, [result for result in results if isinstance(result, BaseException)]


async def test_one_of_concurrent_calls_runs_and_the_others_are_refused_with_retry_after(store: Store) -> None:
    runs, refusals = await _twenty_at_once(store, guarded=True)
    assert runs == 1
    assert len(refusals) == 19
    for refusal in refusals:
        assert isinstance(refusal, grpc.aio.AioRpcError)
        error = from_rpc_error(refusal, service="jobs")
        assert (error.reason, error.retry_after) == (errors.IDEMPOTENCY_IN_PROGRESS, 1)


async def test_without_the_interceptor_all_concurrent_calls_run(store: Store) -> None:
    assert await _twenty_at_once(store, guarded=False) == (20, [])


async def test_a_failed_call_releases_its_key(store: Store) -> None:
    async with replica(store) as client:

        async def fail(_request: Any) -> Any:
            raise WarmcastError(errors.WRONG_STATE, "not now")

        client.servicer.act = fail
        assert (await client.refused("a")).reason is errors.WRONG_STATE
        client.servicer.act = None
        assert await client.outcome("a", job_id=8) == (2, False), "and may even come with another request"


async def test_a_crash_releases_its_key(store: Store) -> None:
    async with replica(store) as client:

        async def crash(_request: Any) -> Any:
            raise RuntimeError

        client.servicer.act = crash
        assert (await client.refused("a")).reason is errors.INTERNAL
        assert await store.execute(KEPT) == []


async def test_a_caller_that_disconnects_gets_the_kept_response_on_retry(store: Store) -> None:
    async with replica(store) as client:
        going = asyncio.Event()

        async def slow(_request: Any) -> pb.RequeueJobResponse:
            await going.wait()
            return pb.RequeueJobResponse(job=pb.WarmupJob(id=42))

        async def running() -> bool:
            return bool(client.servicer.runs)

        async def done() -> bool:
            return [row["done"] for row in await store.execute(KEPT)] == [True]

        client.servicer.act = slow
        call = client.requeue("a")
        await wait_until_async(running, 10, "the call runs")
        call.cancel()
        assert (await client.refused("a")).reason is errors.IDEMPOTENCY_IN_PROGRESS
        going.set()
        await wait_until_async(done, 10, "its answer is kept")
        assert await client.outcome("a") == (42, True)
        assert len(client.servicer.runs) == 1


async def test_the_key_of_a_dead_holder_is_taken_over_only_after_its_lease(store: Store) -> None:
    keys = IdempotencyKeys(store.database)
    assert await keys.begin("RequeueJob", "a", b"same", "died") is None
    with pytest.raises(WarmcastError) as caught:
        await keys.begin("RequeueJob", "a", b"same", "heir")
    assert caught.value.reason is errors.IDEMPOTENCY_IN_PROGRESS
    left = "SELECT EXTRACT(epoch FROM expires_at - now())::float8 AS left FROM idempotency_keys"
    ((seconds,),) = [tuple(row.values()) for row in await store.execute(left)]
    assert isinstance(seconds, float)
    assert LEASE_SECONDS - 10 < seconds <= LEASE_SECONDS
    await store.execute("UPDATE idempotency_keys SET expires_at = now()")
    assert await keys.begin("RequeueJob", "a", b"same", "heir") is None
    assert not await keys.renew("RequeueJob", "a", "died")
    assert not await keys.finish("RequeueJob", "a", "died", b"late"), (
        "the late response of a replaced holder is not kept"
    )
    await keys.release("RequeueJob", "a", "died")
    assert await keys.finish("RequeueJob", "a", "heir", b"answer")
    assert await keys.begin("RequeueJob", "a", b"same", "later") == b"answer"


async def test_a_running_call_keeps_its_key_beyond_one_lease(store: Store) -> None:
    async with replica(store, lease=0.6) as client:
        going = asyncio.Event()

        async def slow(_request: Any) -> pb.RequeueJobResponse:
            await going.wait()
            return pb.RequeueJobResponse(job=pb.WarmupJob(id=1))

        async def outlasted() -> bool:
            query = "SELECT now() > created_at + interval '1.5 s' AS outlasted FROM idempotency_keys"
            return any(row["outlasted"] for row in await store.execute(query))

        client.servicer.act = slow
        call = asyncio.ensure_future(client.requeue("a"))
        await wait_until_async(outlasted, 10, "more than two leases are over")
        assert (await client.refused("a")).reason is errors.IDEMPOTENCY_IN_PROGRESS
        going.set()
        assert (await call).job.id == 1
        assert await client.outcome("a") == (1, True)


async def test_begin_sent_twice_by_one_holder_succeeds_twice(store: Store) -> None:
    keys = IdempotencyKeys(store.database)
    assert [await keys.begin("Sweep", "a", b"same", "me") for _ in range(2)] == [None, None]


async def test_a_response_is_kept_for_a_day_and_then_deleted_in_small_batches(store: Store) -> None:
    keys = IdempotencyKeys(store.database)
    for number in range(25):
        await keys.begin("Sweep", str(number), b"same", "me")
        await keys.finish("Sweep", str(number), "me", b"answer")
    assert await keys.delete_expired() == 0
    kept = "SELECT max(EXTRACT(epoch FROM expires_at - now()))::float8 AS left FROM idempotency_keys"
    ((seconds,),) = [tuple(row.values()) for row in await store.execute(kept)]
    assert isinstance(seconds, float)
    assert KEPT_SECONDS - 60 < seconds <= KEPT_SECONDS
    await store.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 s'")
    assert await keys.begin("Sweep", "24", b"other", "me") is None, "it counts as absent before it is deleted"
    assert [await keys.delete_expired() for _ in range(3)] == [20, 4, 0]


async def test_each_call_with_a_key_deletes_some_expired_keys(store: Store) -> None:
    async with replica(store) as client:
        for number in range(5):
            await client.outcome(str(number))
        await store.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 s'")
        await client.outcome("new")
        assert [row["key"] for row in await store.execute(KEPT)] == ["new"]


async def test_a_response_that_is_too_large_is_not_kept(store: Store) -> None:
    async with replica(store) as client:

        async def much(_request: Any) -> pb.RequeueJobResponse:
            return pb.RequeueJobResponse(job=pb.WarmupJob(last_error="x" * 1024 * 1024))

        client.servicer.act = much
        await client.requeue("a")
        assert await store.execute(KEPT) == []


async def test_draining_waits_for_running_calls_and_cancels_the_rest(store: Store) -> None:
    async with replica(store) as client:
        stuck = asyncio.Event()

        async def slow(_request: Any) -> Any:
            await stuck.wait()

        async def running() -> bool:
            return bool(client.servicer.runs)

        client.servicer.act = slow
        call = client.requeue("a")
        await wait_until_async(running, 10, "the call runs")
        await client.idempotency.drain(0.05)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert from_rpc_error(caught.value, service="jobs").reason is errors.UNAVAILABLE
        assert [tuple(row.values()) for row in await store.execute(KEPT)] == [("RequeueJob", "a", False)]
