"""InspectKeys over a real Valkey: what operators see of a snapshot's keys."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest
from redis.asyncio import Redis
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from services.common import errors
from services.common.cache_keys import ERROR, LOCK, STARTED_AT, warmup_key
from services.common.errors import WarmcastError
from services.common.rpc.status import from_rpc_error
from services.forecaster.cache.bundles import NULL
from services.forecaster.cache.envelope import seal
from services.forecaster.cache.store import CORRUPT, TTL_SECONDS
from services.forecaster.insights.encoded import NO_INSIGHTS
from tests.integration.forecaster.conftest import AUTHORISED, Edge
from tests.integration.forecaster.parts import SNAPSHOT, ManualClock, StandInEngine, key, name, request
from tests.unit.forecaster.cache.test_envelope import PAIR

MARKS = ["lock", "status", "error", "debug-id", "started-at", "finished-at"]


async def test_every_key_of_a_stored_run_is_described_without_a_secret(edge: Edge, clock: ManualClock) -> None:
    await generate(edge, lease=7)
    found = await inspected(edge)
    assert found.engine_version == "1"
    [pair] = found.bundles
    assert (pair.engine_version, pair.freshness, pair.defect) == ("1", pb.FRESHNESS_FRESH, "")
    for bundle, redis_key in ((pair.term_a, name().key_a), (pair.term_b, name().key_b)):
        assert (bundle.key.name, bundle.key.exists) == (redis_key, True)
        assert TTL_SECONDS - 60 <= bundle.key.ttl_seconds <= TTL_SECONDS
        assert bundle.key.size_bytes > 300
        assert (bundle.intact, bundle.defect, bundle.has_insights) == (True, "", True)
        assert (bundle.lease_id, bundle.engine_version) == (7, "1")
        assert bundle.generated_at.ToDatetime() == clock().replace(tzinfo=None)
    assert [mark.name for mark in found.marks] == MARKS
    texts = {mark.name: mark.text for mark in found.marks if mark.key.exists}
    assert texts == {
        "lock": "7",
        "status": "ready",
        "debug-id": "debug-7",
        "started-at": "2026-11-24T12:00:00.000Z",
        "finished-at": "2026-11-24T12:00:00.000Z",
    }
    for mark in found.marks:
        assert mark.key.name == warmup_key(mark.name, SNAPSHOT)
        assert mark.key.size_bytes == len(mark.text)


async def test_absent_keys_are_described_too(edge: Edge) -> None:
    found = await inspected(edge)
    [pair] = found.bundles
    keys = [pair.term_a.key, pair.term_b.key, *(mark.key for mark in found.marks)]
    assert len({each.name for each in keys}) == 8
    assert not any(each.exists or each.HasField("ttl_seconds") or each.size_bytes for each in keys)
    assert (pair.freshness, pair.defect, pair.term_a.intact, pair.term_a.defect) == (
        pb.FRESHNESS_MISSING,
        "",
        False,
        "",
    )


async def test_both_engine_versions_that_get_forecasts_compares_are_described(
    edge: Edge, engine: StandInEngine
) -> None:
    await generate(edge)
    engine.version = "2"
    own, of_row = (await inspected(edge, engine_version="1")).bundles
    assert (own.engine_version, own.freshness, own.term_a.key.exists) == ("2", pb.FRESHNESS_MISSING, False)
    assert (of_row.engine_version, of_row.freshness, of_row.term_a.intact) == ("1", pb.FRESHNESS_STALE, True)


async def test_a_damaged_bundle_is_described_and_not_counted_as_corrupt(edge: Edge, redis: Redis) -> None:
    await generate(edge)
    await redis.setrange(name().key_b, 40, b"!")
    before = corrupt_values()
    [pair] = (await inspected(edge)).bundles
    assert (pair.freshness, pair.term_a.intact, pair.term_b.intact) == (pb.FRESHNESS_MISSING, True, False)
    assert pair.defect == pair.term_b.defect == "its checksum differs"
    assert corrupt_values() == before


async def test_bundles_of_two_runs_are_described_as_such(edge: Edge, redis: Redis) -> None:
    await generate(edge, lease=1)
    first = await redis.get(name().key_a)
    await generate(edge, lease=2)
    assert first
    await redis.set(name().key_a, first)
    [pair] = (await inspected(edge)).bundles
    assert (pair.freshness, pair.defect) == (pb.FRESHNESS_MISSING, "the two bundles are from different runs")
    assert [(each.intact, each.lease_id) for each in (pair.term_a, pair.term_b)] == [(True, 1), (True, 2)]
    assert not pair.term_a.key.HasField("ttl_seconds"), "SET without a TTL"


async def test_bundles_under_another_engine_s_keys_are_described_as_such(
    edge: Edge, redis: Redis, engine: StandInEngine
) -> None:
    await generate(edge)
    await redis.copy(name().key_a, name("2").key_a)
    await redis.copy(name().key_b, name("2").key_b)
    engine.version = "2"
    [pair] = (await inspected(edge)).bundles
    assert (pair.defect, pair.term_a.engine_version) == ("its engine version differs from its key's", "1")


async def test_a_bundle_without_insights_is_described_as_such(edge: Edge, redis: Redis) -> None:
    await redis.mset(
        dict(zip((name().key_a, name().key_b), seal(replace(PAIR, margin=NULL, insights=NO_INSIGHTS)), strict=True))
    )
    [pair] = (await inspected(edge)).bundles
    assert (pair.term_a.intact, pair.term_a.has_insights, pair.term_b.has_insights) == (True, False, False)


async def test_values_of_other_programs_are_described_within_bounds(edge: Edge, redis: Redis) -> None:
    await redis.set(warmup_key(ERROR, SNAPSHOT), b"\xff" * 5_000)
    await redis.rpush(warmup_key(LOCK, SNAPSHOT), "a list")
    await redis.rpush(name().key_a, "a list")
    found = await inspected(edge)
    marks = {mark.name: mark for mark in found.marks}
    assert (len(marks["error"].text), marks["error"].key.size_bytes) == (2_000, 5_000)
    assert (marks["lock"].key.exists, marks["lock"].text) == (True, "")
    assert not marks[STARTED_AT].key.exists
    assert found.bundles[0].term_a.defect == "it is not a string"


async def test_an_invalid_key_is_refused(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await inspected(edge, data_hash="0f3a")
    refused = from_rpc_error(caught.value, service="the forecaster")
    assert (refused.reason, [field for field, _ in refused.fields]) == (errors.INVALID_ARGUMENT, ["key.data_hash"])


async def test_a_cache_that_refuses_the_commands_is_unavailable(edge: Edge, redis: Redis) -> None:
    await redis.acl_setuser("default", enabled=True, commands=["-ttl"])
    try:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await inspected(edge)
    finally:
        await redis.acl_setuser("default", enabled=True, categories=["+@all"])
    refused: WarmcastError = from_rpc_error(caught.value, service="the forecaster")
    assert refused.reason is errors.UNAVAILABLE
    assert "access rules" in refused.detail


async def generate(edge: Edge, lease: int = 1) -> None:
    """A run that stores its bundles."""
    async for _ in edge.stub.GenerateForecasts(request(lease, force=True), metadata=AUTHORISED):
        pass


async def inspected(edge: Edge, **changes: str) -> pb.InspectKeysResponse:
    """The response for the snapshot of the tests."""
    return await edge.stub.InspectKeys(pb.InspectKeysRequest(key=key(**changes)))


def corrupt_values() -> float:
    """The counter of corrupt values."""
    [family] = CORRUPT.collect()
    return next(sample.value for sample in family.samples if sample.name.endswith("_total"))
