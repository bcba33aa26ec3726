"""A run over a real Valkey: fence, read-back, adoption. The engine is a stand-in."""

from __future__ import annotations

import asyncio
import json

import pytest
from redis.asyncio import Redis

from services.common import cache_keys, errors
from services.common.cache_keys import warmup_key
from services.common.errors import WarmcastError
from services.forecaster.cache.bundles import BundlePair, ForecastKey
from services.forecaster.cache.store import GUARDED_WRITE, ForecastCache
from services.forecaster.generate import Generated, GenerateRequest, Store, generate
from services.forecaster.insights.encoded import NO_INSIGHTS
from tests.integration.forecaster.parts import HEAD_TO_HEAD, INSIGHTS, SNAPSHOT, ManualClock, StandInEngine, name, order
from tests.unit.forecaster.cache import version_8

SEVEN_DAYS = 604_800
MARKS = (
    cache_keys.STATUS,
    cache_keys.LOCK,
    cache_keys.ERROR,
    cache_keys.DEBUG_ID,
    cache_keys.STARTED_AT,
    cache_keys.FINISHED_AT,
)


class Run:
    """One way to call generate with the parts of a test."""

    def __init__(self, store: Store, engine: StandInEngine, clock: ManualClock) -> None:
        self.store, self.engine, self.clock = store, engine, clock

    async def __call__(self, order: GenerateRequest) -> Generated:
        return await generate(order, store=self.store, engine=self.engine, now=self.clock)


@pytest.fixture
def run(cache: ForecastCache, engine: StandInEngine, clock: ManualClock) -> Run:
    return Run(cache, engine, clock)


async def test_both_bundles_are_stored_under_canonical_keys_for_seven_days(run: Run, redis: Redis) -> None:
    made = await run(order(5))
    assert not made.adopted
    assert await _keys(redis) == {
        "forecast:costco-vs-ikea:Costco:12m:US:0f3a0f3a0f3a0f3a:1",
        "forecast:costco-vs-ikea:IKEA:12m:US:0f3a0f3a0f3a0f3a:1",
        *(
            f"warmup-{mark}:costco-vs-ikea:12m:US:0f3a0f3a0f3a0f3a"
            for mark in ("status", "lock", "debug-id", "started-at", "finished-at")
        ),
    }
    for key in await _keys(redis):
        assert SEVEN_DAYS - 60 <= await redis.ttl(key) <= SEVEN_DAYS
    assert await _marks(redis) == {
        "status": "ready",
        "lock": "5",
        "debug-id": "debug-5",
        "started-at": "2026-11-24T12:00:00.000Z",
        "finished-at": "2026-11-24T12:00:00.000Z",
    }
    [read] = await run.store.read([name()])
    assert read == made.pair
    assert read.insights == INSIGHTS
    assert json.loads(read.head_to_head_with_margin) == HEAD_TO_HEAD


async def test_debugging_keys_say_running_during_a_run(run: Run, redis: Redis) -> None:
    run.engine.hold()
    running = asyncio.create_task(run(order(5)))
    await run.engine.computing.wait()
    marks = await _marks(redis)
    assert (marks["status"], marks["lock"]) == ("running", "5")
    assert "finished-at" not in marks
    run.engine.released.set()
    await running


async def test_a_lower_lease_is_refused_before_it_computes(run: Run, redis: Redis) -> None:
    await run(order(9))
    before = await _everything(redis)
    with pytest.raises(WarmcastError) as caught:
        await run(order(8, force=True))
    assert caught.value.reason is errors.FENCED_OFF
    assert caught.value.metadata == {"leaseId": "9"}
    assert run.engine.calls == 1
    assert await _everything(redis) == before


async def test_a_run_below_the_fence_writes_nothing(run: Run, redis: Redis) -> None:
    before, caught = await _overtaken(run, redis)
    assert caught is not None
    assert caught.reason is errors.FENCED_OFF
    assert await _everything(redis) == before


async def test_without_the_fence_a_superseded_run_would_write(run: Run, redis: Redis) -> None:
    class Unguarded(ForecastCache):
        script = GUARDED_WRITE.replace("if ahead > 0 and ahead < 2^40 then", "if false then")

    assert Unguarded.script != GUARDED_WRITE
    run.store = Unguarded(redis)
    before, caught = await _overtaken(run, redis)
    assert caught is None
    assert await _everything(redis) != before


async def _overtaken(run: Run, redis: Redis) -> tuple[dict[str, str], WarmcastError | None]:
    """A run under lease 5 that computes until lease 6 has done its work; Redis before it ends, and how it ends."""
    run.engine.hold()
    old = asyncio.create_task(run(order(5)))
    await run.engine.computing.wait()
    await generate(order(6), store=run.store, engine=StandInEngine(), now=run.clock)
    before = await _everything(redis)
    run.clock.move(seconds=5)
    run.engine.released.set()
    try:
        await old
    except WarmcastError as error:
        return before, error
    return before, None


async def test_debugging_keys_and_failures_of_a_lower_lease_are_refused(
    run: Run, redis: Redis, clock: ManualClock
) -> None:
    await run(order(9))
    before = await _everything(redis)
    for refused in (
        run.store.mark_running(SNAPSHOT, 8, debug_id="late", now=clock()),
        run.store.mark_ready(SNAPSHOT, 8, now=clock()),
        run.store.mark_failed(SNAPSHOT, 8, status="failed", error="late", now=clock()),
    ):
        with pytest.raises(WarmcastError, match="lease 9 owns the keys"):
            await refused
    assert await _everything(redis) == before


async def test_leases_are_compared_as_numbers_up_to_the_largest(run: Run) -> None:
    await run(order(9))
    await run(order(10))  # "10" sorts before "9"
    await run(order(2**53 - 1))
    with pytest.raises(WarmcastError) as caught:
        await run(order(2**53 - 2))
    assert caught.value.metadata == {"leaseId": str(2**53 - 1)}


@pytest.mark.parametrize(
    "lock", ["garbage", "", "1e300", "inf", "nan", "0x7f", "-5", "5.5", str(2**53 - 1), str(2**40 + 1), "9" * 400]
)
async def test_a_lock_that_is_not_a_lease_is_overwritten(run: Run, redis: Redis, lock: str) -> None:
    await redis.set(warmup_key(cache_keys.LOCK, SNAPSHOT), lock)
    assert not (await run(order(1))).adopted
    assert await redis.get(warmup_key(cache_keys.LOCK, SNAPSHOT)) == b"1"


async def test_a_fence_from_before_a_database_restore_still_holds(run: Run, redis: Redis) -> None:
    await redis.set(warmup_key(cache_keys.LOCK, SNAPSHOT), str(2**39))
    with pytest.raises(WarmcastError) as caught:
        await run(order(1))
    assert caught.value.metadata == {"leaseId": str(2**39)}


class Damaging(ForecastCache):
    """Changes one byte of what was just written, as a bad disk or a foreign client would."""

    def __init__(self, redis: Redis, which: int, change: tuple[bytes, bytes]) -> None:
        super().__init__(redis)
        self._raw, self._which, self._change = redis, which, change

    async def store(self, key: ForecastKey, pair: BundlePair, **rest: object) -> None:
        await super().store(key, pair, **rest)  # type: ignore[arg-type] # passed on unchanged
        redis_key = (key.key_a, key.key_b)[self._which]
        value = await self._raw.get(redis_key)
        assert isinstance(value, bytes)
        assert self._change[0] in value
        await self._raw.set(redis_key, value.replace(*self._change, 1))


@pytest.mark.parametrize(
    ("which", "change"),
    [
        pytest.param(0, (b'"value":50.0', b'"value":51.0'), id="the first bundle"),
        pytest.param(1, (b'"value":50.0', b'"value":51.0'), id="the second bundle"),
        pytest.param(0, (b'"peaks":[]', b'"peaks":{}'), id="the first insights"),
        pytest.param(1, (b'"peak":50.0', b'"peak":51.0'), id="the second insights"),
        pytest.param(0, (b'"value":1.5', b'"value":1.6'), id="the margin"),
        pytest.param(0, (b'"leadLag":null', b'"leadLag":true'), id="the insights of both"),
        pytest.param(0, (b'"id":"winner"', b'"id":"loser"'), id="the interpretations"),
    ],
)
async def test_a_value_corrupted_before_the_read_back_fails_the_run(
    run: Run, redis: Redis, which: int, change: tuple[bytes, bytes]
) -> None:
    run.store = Damaging(redis, which, change)
    with pytest.raises(WarmcastError) as caught:
        await run(order(5))
    assert caught.value.reason is errors.VERIFICATION_FAILED
    marks = await _marks(redis)
    assert marks["status"] == "running"
    assert "differ from those written" in marks["error"]
    assert await run.store.read([name()]) == [None]


async def test_a_bundle_lost_before_the_read_back_fails_the_run(run: Run, redis: Redis) -> None:
    class Losing(ForecastCache):
        async def store(self, key: ForecastKey, pair: BundlePair, **rest: object) -> None:
            await super().store(key, pair, **rest)  # type: ignore[arg-type] # passed on unchanged
            await redis.delete(key.key_b)

    run.store = Losing(redis)
    with pytest.raises(WarmcastError, match="differ from those written"):
        await run(order(5))


async def test_the_next_run_clears_the_error(run: Run, redis: Redis) -> None:
    run.engine.failure = WarmcastError(errors.UNWARMABLE, "the series is flat")
    with pytest.raises(WarmcastError):
        await run(order(5))
    marks = await _marks(redis)
    assert (marks["error"], marks["status"]) == ("the series is flat", "running")
    run.engine.failure = None
    await run(order(6))
    assert "error" not in await _marks(redis)


async def test_bundles_of_this_episode_are_adopted(run: Run, redis: Redis) -> None:
    first = await run(order(5))
    run.clock.move(minutes=1)
    adopted = await run(order(6, adopt_above=4))
    assert adopted.adopted
    assert adopted.pair == first.pair
    assert run.engine.calls == 1
    marks = await _marks(redis)
    assert (marks["status"], marks["lock"], marks["finished-at"]) == ("ready", "6", "2026-11-24T12:01:00.000Z")


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(order(6, adopt_above=5), id="written in an earlier episode"),
        pytest.param(order(6, adopt_above=0, force=True), id="forced"),
    ],
)
async def test_other_bundles_are_computed_again(run: Run, again: GenerateRequest) -> None:
    await run(order(5))
    made = await run(again)
    assert not made.adopted
    assert made.pair.lease_id == 6
    assert run.engine.calls == 2


async def test_corrupt_incomplete_and_foreign_bundles_are_never_adopted(run: Run, redis: Redis) -> None:
    await run(order(5))
    await redis.append(name().key_a, b" x")
    assert not (await run(order(6, adopt_above=4))).adopted
    await redis.delete(name().key_b)
    assert not (await run(order(7, adopt_above=4))).adopted
    run.engine.version = "2"
    assert not (await run(order(8, adopt_above=4))).adopted


async def test_bundles_of_version_8_are_read_without_insights(cache: ForecastCache, redis: Redis) -> None:
    key = name("1")
    await redis.mset(dict(zip((key.key_a, key.key_b), version_8.VALUES, strict=True)))
    [pair] = await cache.read([key])
    assert pair is not None
    assert pair.insights == NO_INSIGHTS
    assert pair.head_to_head_with_margin == b'{"winnerProbability":51.5}'


async def test_version_8_reads_the_bundles_of_this_release(run: Run, redis: Redis) -> None:
    made = await run(order(5))
    for redis_key, bundle in ((made.key.key_a, made.pair.bundle_a), (made.key.key_b, made.pair.bundle_b)):
        value = await redis.get(redis_key)
        assert isinstance(value, bytes)
        assert version_8.read(value) == bundle


async def test_a_week_old_bundle_is_not_adopted(run: Run) -> None:
    await run(order(5))
    run.clock.move(days=7)
    assert not (await run(order(6, adopt_above=4))).adopted


async def _keys(redis: Redis) -> set[str]:
    return {_text(key) for key in await redis.keys("*")}


async def _everything(redis: Redis) -> dict[str, str]:
    return {key: _text(await redis.get(key)) for key in await _keys(redis)}


async def _marks(redis: Redis) -> dict[str, str]:
    found = {mark: await redis.get(warmup_key(mark, SNAPSHOT)) for mark in MARKS}
    return {mark: _text(value) for mark, value in found.items() if value is not None}


def _text(value: object) -> str:
    assert isinstance(value, bytes)
    return value.decode()
