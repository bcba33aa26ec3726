"""One run: raises the fence, computes, writes the bundles and reads them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from services.common import errors
from services.common.comparison import SnapshotKey
from services.common.errors import WarmcastError
from services.forecaster.cache.bundles import BundlePair, ForecastKey, format_timestamp
from services.forecaster.cache.freshness import Freshness, assess_freshness
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.encoded import EncodedInsights

Clock = Callable[[], datetime]
Json = dict[str, object]


@dataclass(frozen=True)
class GenerateRequest:
    """The input of one run."""

    snapshot: SnapshotKey
    series_a: TermSeries
    series_b: TermSeries
    source: str
    last_updated_at: datetime
    lease_id: int
    adopt_above_lease: int  # bundles of a higher lease belong to this episode
    force: bool
    debug_id: str


@dataclass(frozen=True)
class Computed:
    """The engine's result: both bundles without timestamps, the head-to-head, and the insights."""

    bundle_a: Json
    bundle_b: Json
    head_to_head: Json | None  # with `margin`
    insights: EncodedInsights


@dataclass(frozen=True)
class Generated:
    """Both bundles, stored and read back."""

    key: ForecastKey
    pair: BundlePair
    adopted: bool  # written by an earlier run of this episode


class Engine(Protocol):
    """Computes forecasts outside the event loop."""

    @property
    def version(self) -> str: ...

    async def compute(self, series_a: TermSeries, series_b: TermSeries) -> Computed: ...


class Store(Protocol):
    """Stores bundles; see ForecastCache."""

    async def read(self, keys: Sequence[ForecastKey]) -> list[BundlePair | None]: ...

    async def mark_running(self, snapshot: SnapshotKey, lease_id: int, *, debug_id: str, now: datetime) -> None: ...

    async def store(self, key: ForecastKey, pair: BundlePair, *, now: datetime) -> None: ...

    async def mark_ready(self, snapshot: SnapshotKey, lease_id: int, *, now: datetime) -> None: ...

    async def mark_failed(
        self, snapshot: SnapshotKey, lease_id: int, *, status: str, error: str, now: datetime
    ) -> None: ...


async def generate(request: GenerateRequest, *, store: Store, engine: Engine, now: Clock) -> Generated:
    """Computes both terms, or adopts the bundles that this episode already has.

    Raises WarmcastError: FENCED_OFF if a newer lease owns the keys, UNWARMABLE for a series that cannot be forecast,
    VERIFICATION_FAILED if the stored bundles differ from those written, UNAVAILABLE, DEADLINE_EXCEEDED.
    """
    await store.mark_running(request.snapshot, request.lease_id, debug_id=request.debug_id, now=now())
    try:
        return await _adopt(request, store, engine, now) or await _compute(request, store, engine, now)
    except WarmcastError as error:
        await _record_failure(request, error, store, now)
        raise


async def _adopt(request: GenerateRequest, store: Store, engine: Engine, now: Clock) -> Generated | None:
    if request.force:
        return None
    key = _forecast_key(request, engine)
    [pair] = await store.read([key])
    if pair is None or assess_freshness(pair, now=now(), own_version=engine.version) is Freshness.MISSING:
        return None
    if pair.lease_id <= request.adopt_above_lease:
        return None
    await store.mark_ready(request.snapshot, request.lease_id, now=now())
    return Generated(key, pair, adopted=True)


async def _compute(request: GenerateRequest, store: Store, engine: Engine, now: Clock) -> Generated:
    computed = await engine.compute(request.series_a, request.series_b)
    key = _forecast_key(request, engine)
    pair = stamp(request, computed, engine.version, now())
    await store.store(key, pair, now=now())
    [read_back] = await store.read([key])
    if read_back != pair:
        raise WarmcastError(errors.VERIFICATION_FAILED, "the stored bundles differ from those written", retry_after=1)
    return Generated(key, read_back, adopted=False)


def _forecast_key(request: GenerateRequest, engine: Engine) -> ForecastKey:
    return ForecastKey(request.snapshot, request.series_a.term, request.series_b.term, engine.version)


def stamp(request: GenerateRequest, computed: Computed, version: str, now: datetime) -> BundlePair:
    """The pair to store, with its lease and its times."""
    # Whole milliseconds, as stored in Redis: the pair read back must equal the pair written.
    generated_at = now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)
    times: Json = {
        "generatedAt": format_timestamp(generated_at),
        "dataFreshness": {"lastUpdatedAt": format_timestamp(request.last_updated_at), "source": request.source},
    }
    head_to_head, margin = _split_margin(computed.head_to_head)
    return BundlePair(
        lease_id=request.lease_id,
        engine_version=version,
        generated_at=generated_at,
        bundle_a=msgspec.json.encode(computed.bundle_a | times),
        bundle_b=msgspec.json.encode(computed.bundle_b | times),
        head_to_head=msgspec.json.encode(head_to_head),
        margin=msgspec.json.encode(margin),
        insights=computed.insights,
    )


def _split_margin(head_to_head: Json | None) -> tuple[Json | None, object]:
    """The head-to-head, which is stored with each term, and its margin, which is stored once."""
    if head_to_head is None:
        return None, None
    without = {name: value for name, value in head_to_head.items() if name != "margin"}
    return without, head_to_head.get("margin")


async def _record_failure(request: GenerateRequest, error: WarmcastError, store: Store, now: Clock) -> None:
    """Records the error for debugging, best effort. The caller gets the original error.

    The status stays `running`, because the jobs service decides whether the job is retried or failed.
    """
    if error.reason in (errors.FENCED_OFF, errors.UNAVAILABLE):
        return
    try:
        await store.mark_failed(request.snapshot, request.lease_id, status="running", error=error.detail, now=now())
    except WarmcastError:
        return
