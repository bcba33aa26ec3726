"""The gRPC API over a real Valkey."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest
from prometheus_client import Counter
from redis.asyncio import Redis
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from devstack.stores.valkey import Valkey
from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.metadata import SECRET
from services.common.rpc.server.interceptors import CALLS
from services.common.rpc.status import from_rpc_error
from services.forecaster.cache.store import CORRUPT
from services.forecaster.rpc.servicer import RUNS
from tests.integration.forecaster.conftest import AUTHORISED, Edge
from tests.integration.forecaster.parts import HEAD_TO_HEAD, INSIGHTS, ManualClock, StandInEngine, key, name, request
from tests.waiting import wait_until_async


async def test_heartbeats_precede_the_result(edge: Edge, engine: StandInEngine) -> None:
    engine.hold()
    call = edge.stub.GenerateForecasts(request(), metadata=AUTHORISED)
    events = aiter(call)
    for _ in range(4):
        assert (await anext(events)).WhichOneof("event") == "beat"
    engine.released.set()
    result = await _result(events)
    assert (result.engine_version, result.adopted) == ("1", False)
    assert result.generated_at.ToJsonString() == "2026-11-24T12:00:00Z"
    assert result.term_b.term == "IKEA"
    assert result.term_b.cache_key == name().key_b
    assert (result.term_b.direction, result.term_b.confidence) == ("stable", 61.5)
    assert result.term_b.forecast_hash == "ab" * 8
    assert [point.time.ToJsonString() for point in result.term_a.points] == [
        "2026-11-29T00:00:00Z",
        "2026-12-06T00:00:00Z",
    ]
    point = result.term_a.points[0]
    assert (point.lower95, point.lower80, point.value, point.upper80, point.upper95) == (30, 40, 50, 60, 70)


async def test_an_adopted_result_has_the_same_points(edge: Edge, engine: StandInEngine) -> None:
    first = await _generate(edge, request(5))
    second = await _generate(edge, request(6, adopt_above=4))
    assert second.adopted
    assert second.term_a == first.term_a
    assert engine.calls == 1


async def test_bundles_are_returned_as_stored(edge: Edge, clock: ManualClock) -> None:
    await _generate(edge, request())
    answer = await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))
    assert answer.engine_version == "1"
    [cached] = answer.forecasts
    assert cached.freshness == pb.FRESHNESS_FRESH
    bundle = json.loads(cached.term_a_json)
    assert bundle["term"] == "Costco"
    assert bundle["generatedAt"] == "2026-11-24T12:00:00.000Z"
    assert bundle["dataFreshness"] == {"lastUpdatedAt": "2026-11-24T12:00:00.000Z", "source": "api"}
    assert json.loads(cached.term_b_json)["term"] == "IKEA"
    assert json.loads(cached.head_to_head_json) == HEAD_TO_HEAD
    assert cached.insights_a_json == INSIGHTS.term_a
    assert cached.insights_b_json == INSIGHTS.term_b
    assert cached.together_json == INSIGHTS.together
    assert cached.interpretations_json == INSIGHTS.interpretations
    assert cached.generated_at.ToDatetime() == clock().replace(tzinfo=None)
    assert (cached.term_a_key, cached.term_b_key) == (name().key_a, name().key_b)


@pytest.mark.parametrize(
    ("age", "freshness"),
    [
        ({"hours": 24}, pb.FRESHNESS_FRESH),
        ({"hours": 24, "seconds": 1}, pb.FRESHNESS_STALE),
        ({"days": 7, "seconds": -1}, pb.FRESHNESS_STALE),
        ({"days": 7}, pb.FRESHNESS_MISSING),
    ],
)
async def test_freshness_by_the_clock(
    edge: Edge, clock: ManualClock, age: dict[str, float], freshness: pb.Freshness.ValueType
) -> None:
    await _generate(edge, request())
    clock.move(**age)
    [cached] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))).forecasts
    assert cached.freshness == freshness
    assert bool(cached.term_a_json) == (freshness != pb.FRESHNESS_MISSING)
    checked = await edge.stub.CheckForecasts(pb.CheckForecastsRequest(keys=[key()]))
    assert list(checked.freshness) == [freshness]


async def test_an_absent_pair_has_only_keys(edge: Edge) -> None:
    [cached] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))).forecasts
    assert cached == pb.CachedForecasts(
        freshness=pb.FRESHNESS_MISSING, term_a_key=name().key_a, term_b_key=name().key_b
    )


async def test_one_bundle_alone_is_missing(edge: Edge, redis: Redis) -> None:
    await _generate(edge, request())
    await redis.delete(name().key_b)
    assert await _freshness(edge) == pb.FRESHNESS_MISSING


async def test_a_corrupt_bundle_is_missing_and_counted(edge: Edge, redis: Redis) -> None:
    await _generate(edge, request())
    before = _count(CORRUPT)
    await redis.setrange(name().key_a, 40, b"!")
    assert await _freshness(edge) == pb.FRESHNESS_MISSING
    assert _count(CORRUPT) == before + 1


async def test_a_bundle_under_another_engines_key_is_corrupt(edge: Edge, redis: Redis, engine: StandInEngine) -> None:
    await _generate(edge, request())
    await redis.copy(name().key_a, name("2").key_a)
    await redis.copy(name().key_b, name("2").key_b)
    engine.version = "2"
    assert await _freshness(edge) == pb.FRESHNESS_MISSING


async def test_bundles_of_an_older_engine_named_in_the_row_are_stale(edge: Edge, engine: StandInEngine) -> None:
    await _generate(edge, request())
    engine.version = "2"
    assert await _freshness(edge) == pb.FRESHNESS_MISSING
    [old] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key(engine_version="1")]))).forecasts
    assert (old.freshness, old.engine_version, old.term_a_key) == (pb.FRESHNESS_STALE, "1", name("1").key_a)
    await _generate(edge, request(2))
    [new] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key(engine_version="1")]))).forecasts
    assert (new.freshness, new.engine_version) == (pb.FRESHNESS_FRESH, "2")


async def test_fresh_bundles_of_a_newer_engine_precede_stale_ones_of_the_own_engine(
    edge: Edge, engine: StandInEngine, clock: ManualClock
) -> None:
    await _generate(edge, request())
    clock.move(hours=25)
    engine.version = "2"
    await _generate(edge, request(2))
    engine.version = "1"
    [found] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key(engine_version="2")]))).forecasts
    assert (found.freshness, found.engine_version) == (pb.FRESHNESS_FRESH, "2")
    assert await _freshness(edge) == pb.FRESHNESS_STALE  # where the row names no other


async def test_several_keys_are_read_in_order_with_one_mget(edge: Edge, redis: Redis) -> None:
    await _generate(edge, request())
    await redis.config_resetstat()
    other, old = key(data_hash="ffff" * 4), key(data_hash="eeee" * 4, engine_version="0")
    answer = await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[other, key(), old, key()]))
    assert [one.freshness for one in answer.forecasts] == [
        pb.FRESHNESS_MISSING,
        pb.FRESHNESS_FRESH,
        pb.FRESHNESS_MISSING,
        pb.FRESHNESS_FRESH,
    ]
    commands = await redis.info("commandstats")
    assert commands["cmdstat_mget"]["calls"] == 1
    assert "cmdstat_get" not in commands


async def test_the_audit_checks_500_keys_in_one_call(edge: Edge) -> None:
    await _generate(edge, request())
    keys = [key(data_hash=f"{i:016x}") for i in range(499)] + [key()]
    checked = await edge.stub.CheckForecasts(pb.CheckForecastsRequest(keys=keys))
    assert list(checked.freshness) == [pb.FRESHNESS_MISSING] * 499 + [pb.FRESHNESS_FRESH]


async def test_too_many_keys_are_refused(edge: Edge) -> None:
    error = await _refused(edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()] * 101)))
    assert (error.reason, [field for field, _ in error.fields]) == (errors.INVALID_ARGUMENT, ["keys"])
    error = await _refused(edge.stub.CheckForecasts(pb.CheckForecastsRequest(keys=[key()] * 501)))
    assert (error.reason, [field for field, _ in error.fields]) == (errors.INVALID_ARGUMENT, ["keys"])
    error = await _refused(edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key(), key(timeframe="2y")])))
    assert [field for field, _ in error.fields] == ["keys[1].timeframe"]


async def test_an_invalid_series_is_refused_and_nothing_is_written(
    edge: Edge, redis: Redis, engine: StandInEngine
) -> None:
    bad = request()
    bad.values_a[3] = float("nan")
    error = await _refused_run(edge, bad)
    assert (error.reason, [field for field, _ in error.fields]) == (errors.INVALID_ARGUMENT, ["values_a[3]"])
    assert await redis.dbsize() == 0
    assert engine.calls == 0


async def test_a_fenced_off_error_names_the_newer_lease(edge: Edge) -> None:
    await _generate(edge, request(9))
    error = await _refused_run(edge, request(8))
    assert (error.reason, error.metadata) == (errors.FENCED_OFF, {"leaseId": "9"})


async def test_an_unforecastable_series_is_a_permanent_failure(edge: Edge, engine: StandInEngine) -> None:
    engine.failure = WarmcastError(errors.UNWARMABLE, "Costco: too few points")
    error = await _refused_run(edge, request())
    assert (error.reason, error.detail) == (errors.UNWARMABLE, "Costco: too few points")


async def test_a_full_queue_returns_a_retry_delay(edge: Edge, engine: StandInEngine) -> None:
    engine.hold()
    admitted = []
    for lease_id in (1, 2):  # one computes, one waits
        events = aiter(edge.stub.GenerateForecasts(request(lease_id), metadata=AUTHORISED))
        for _ in range(2):  # the first beat may leave before the run has taken its place
            assert (await anext(events)).HasField("beat")
        admitted.append(events)
    error = await _refused_run(edge, request(3))
    assert error.reason is errors.BUSY
    assert error.retry_after is not None
    assert error.retry_after >= 1
    engine.released.set()
    for events in admitted:
        await _result(events)
    await _generate(edge, request(3))


async def test_cancelling_the_call_cancels_its_run(edge: Edge, engine: StandInEngine) -> None:
    engine.hold()
    call = edge.stub.GenerateForecasts(request(), metadata=AUTHORISED)
    assert (await anext(aiter(call))).HasField("beat")
    await engine.computing.wait()
    before = _count(RUNS, outcome="cancelled")
    call.cancel()

    async def cancelled() -> bool:
        return engine.cancelled == 1 and _count(RUNS, outcome="cancelled") == before + 1

    await wait_until_async(cancelled, 5, "the computation is cancelled")
    engine.released.set()
    assert not (await _generate(edge, request(2))).adopted  # its place is free


@pytest.mark.parametrize("metadata", [(), ((SECRET, "wrong"),)])
async def test_without_the_secret_nothing_changes(
    edge: Edge, redis: Redis, engine: StandInEngine, metadata: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _result(aiter(edge.stub.GenerateForecasts(request(), metadata=metadata)))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    failure = pb.RecordFailureRequest(key=key(), lease_id=1, status="failed", error="x")
    error = await _refused(edge.stub.RecordFailure(failure, metadata=metadata))
    assert error.reason is errors.UNAUTHENTICATED
    assert await redis.dbsize() == 0
    assert engine.calls == 0


async def test_a_failure_is_recorded_under_the_fence(edge: Edge, redis: Redis) -> None:
    without_terms = key(term_a="", term_b="")
    failure = pb.RecordFailureRequest(key=without_terms, lease_id=4, status="failed", error="out of attempts")
    await edge.stub.RecordFailure(failure, metadata=AUTHORISED)
    suffix = "costco-vs-ikea:12m:US:0f3a0f3a0f3a0f3a"
    assert await redis.get(f"warmup-error:{suffix}") == b"out of attempts"
    assert await redis.get(f"warmup-status:{suffix}") == b"failed"
    assert await redis.get(f"warmup-finished-at:{suffix}") == b"2026-11-24T12:00:00.000Z"
    assert 604_700 < await redis.ttl(f"warmup-error:{suffix}") <= 604_800
    failure.lease_id = 3
    error = await _refused(edge.stub.RecordFailure(failure, metadata=AUTHORISED))
    assert error.reason is errors.FENCED_OFF


async def test_describe(edge: Edge) -> None:
    described = await edge.stub.Describe(pb.DescribeRequest())
    assert (described.engine_version, described.worker_slots) == ("1", 1)
    assert described.replica_id
    assert described == await edge.stub.Describe(pb.DescribeRequest())


async def test_an_unreachable_redis_is_unavailable_and_never_missing(edge: Edge, valkey: Valkey) -> None:
    await _generate(edge, request())
    valkey.kill()
    try:
        for call in (
            edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()])),
            edge.stub.CheckForecasts(pb.CheckForecastsRequest(keys=[key()])),
        ):
            error = await _refused(call)
            assert (error.reason, error.retry_after) == (errors.UNAVAILABLE, 2)
            assert "127.0.0.1" not in error.detail
        error = await _refused_run(edge, request(2))
        assert error.reason is errors.UNAVAILABLE
        # Otherwise jobs would claim further and use up the attempts of healthy jobs.
        error = await _refused(edge.stub.Describe(pb.DescribeRequest()))
        assert (error.reason, error.detail) == (errors.UNAVAILABLE, "the forecast cache is unavailable")
    finally:
        valkey.start()
    assert await _freshness(edge) == pb.FRESHNESS_MISSING  # Redis restarted empty


async def test_scripts_are_loaded_again_after_redis_flushed_them(edge: Edge, redis: Redis) -> None:
    await _generate(edge, request(1))
    await redis.script_flush()
    assert not (await _generate(edge, request(2, force=True))).adopted


async def test_calls_are_counted_by_method(edge: Edge) -> None:
    method = "/warmcast.forecaster.v1.ForecasterService/GenerateForecasts"
    before = CALLS.labels(method, "OK")._value.get()
    await _freshness(edge)
    assert CALLS.labels(method, "OK")._value.get() == before
    await _generate(edge, request())

    async def counted() -> bool:  # the last message may be here before the call has ended there
        return bool(CALLS.labels(method, "OK")._value.get() == before + 1)

    await wait_until_async(counted, 5, "the call is counted")


async def _generate(edge: Edge, asked: pb.GenerateForecastsRequest) -> pb.GeneratedForecasts:
    return await _result(aiter(edge.stub.GenerateForecasts(asked, metadata=AUTHORISED)))


async def _result(events: AsyncIterator[pb.GenerateForecastsResponse]) -> pb.GeneratedForecasts:
    last = [event async for event in events][-1]
    assert last.HasField("result")
    return last.result


async def _freshness(edge: Edge) -> int:
    [cached] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))).forecasts
    return cached.freshness


async def _refused(call: Awaitable[object]) -> WarmcastError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, service="the forecaster")


async def _refused_run(edge: Edge, asked: pb.GenerateForecastsRequest) -> WarmcastError:
    return await _refused(_generate(edge, asked))


def _count(counter: Counter, **labels: str) -> float:
    [family] = counter.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total") and sample.labels == labels)
