"""One run: raise the fence, compute, write, read back, and only then answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from services.common import errors
from services.common.comparison import SnapshotKey
from services.common.errors import WarmcastError
from services.forecaster.cache.bundles import BundlePair, PairKey, format_timestamp
from services.forecaster.cache.freshness import Freshness, assess_freshness
from services.forecaster.engine.types import TermSeries

Clock = Callable[[], datetime]
Json = dict[str, object]


@dataclass(frozen=True)
class GenerateRequest:
    """What one run is asked for."""

    snapshot: SnapshotKey
    series_a: TermSeries
    series_b: TermSeries
    source: str
    last_updated_at: datetime
    lease_id: int
    adopt_above_lease: int  # bundles of a lease above it belong to this episode
    force: bool
    debug_id: str


@dataclass(frozen=True)
class Computed:
    """What the engine made of a snapshot: both bundles without the times, and how the terms stand to each other."""

    bundle_a: Json
    bundle_b: Json
    head_to_head: Json | None


@dataclass(frozen=True)
class Generated:
    """Both bundles, stored and read back."""

    name: PairKey
    pair: BundlePair
    adopted: bool  # they were there already


class Engine(Protocol):
    """Computes, elsewhere than in this process's loop."""

    @property
    def version(self) -> str: ...

    async def compute(self, series_a: TermSeries, series_b: TermSeries) -> Computed: ...


class Store(Protocol):
    """Where bundles are kept; see ForecastCache."""

    async def read(self, names: Sequence[PairKey]) -> list[BundlePair | None]: ...

    async def mark_running(self, name: SnapshotKey, lease_id: int, *, debug_id: str, now: datetime) -> None: ...

    async def store(self, name: PairKey, pair: BundlePair, *, now: datetime) -> None: ...

    async def mark_ready(self, name: SnapshotKey, lease_id: int, *, now: datetime) -> None: ...

    async def mark_failed(
        self, name: SnapshotKey, lease_id: int, *, status: str, error: str, now: datetime
    ) -> None: ...


async def generate(order: GenerateRequest, *, store: Store, engine: Engine, now: Clock) -> Generated:
    """Computes both terms, or adopts what this episode already has.

    Raises WarmcastError: FENCED_OFF when a newer lease owns the keys, UNWARMABLE for a series that no forecast can be
    made of, VERIFICATION_FAILED when the bundles did not read back as written, UNAVAILABLE, DEADLINE_EXCEEDED.
    """
    await store.mark_running(order.snapshot, order.lease_id, debug_id=order.debug_id, now=now())
    try:
        return await _adopt(order, store, engine, now) or await _compute(order, store, engine, now)
    except WarmcastError as error:
        await _record_failure(order, error, store, now)
        raise


async def _adopt(order: GenerateRequest, store: Store, engine: Engine, now: Clock) -> Generated | None:
    if order.force:
        return None
    name = _name(order, engine)
    [pair] = await store.read([name])
    if pair is None or assess_freshness(pair, now=now(), own_version=engine.version) is Freshness.MISSING:
        return None
    if pair.lease_id <= order.adopt_above_lease:
        return None
    await store.mark_ready(order.snapshot, order.lease_id, now=now())
    return Generated(name, pair, adopted=True)


async def _compute(order: GenerateRequest, store: Store, engine: Engine, now: Clock) -> Generated:
    computed = await engine.compute(order.series_a, order.series_b)
    name = _name(order, engine)
    pair = _stamp(order, computed, engine.version, now())
    await store.store(name, pair, now=now())
    [read_back] = await store.read([name])
    if read_back != pair:
        raise WarmcastError(
            errors.VERIFICATION_FAILED, "the bundles did not read back as they were written", retry_after=1
        )
    return Generated(name, read_back, adopted=False)


def _name(order: GenerateRequest, engine: Engine) -> PairKey:
    return PairKey(order.snapshot, order.series_a.term, order.series_b.term, engine.version)


def _stamp(order: GenerateRequest, computed: Computed, version: str, now: datetime) -> BundlePair:
    # Whole milliseconds, as it is spelled in Redis: what is read back must equal what was written.
    generated_at = now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)
    times: Json = {
        "generatedAt": format_timestamp(generated_at),
        "dataFreshness": {"lastUpdatedAt": format_timestamp(order.last_updated_at), "source": order.source},
    }
    return BundlePair(
        lease_id=order.lease_id,
        engine_version=version,
        generated_at=generated_at,
        bundle_a=msgspec.json.encode(computed.bundle_a | times),
        bundle_b=msgspec.json.encode(computed.bundle_b | times),
        head_to_head=msgspec.json.encode(computed.head_to_head),
    )


async def _record_failure(order: GenerateRequest, error: WarmcastError, store: Store, now: Clock) -> None:
    """For debugging, best effort: what went wrong matters more to the caller than whether it could be kept.

    The status stays `running`: whether the job is queued again or failed is for its owner to say.
    """
    if error.reason in (errors.FENCED_OFF, errors.UNAVAILABLE):
        return
    try:
        await store.mark_failed(order.snapshot, order.lease_id, status="running", error=error.detail, now=now())
    except WarmcastError:
        return
