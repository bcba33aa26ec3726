"""Maps messages to plain values and back. Invalid input raises INVALID_ARGUMENT with the field."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from services.common.comparison import TIMEFRAMES, SnapshotKey, invalid, parse_geo
from services.forecaster.cache.bundles import BundlePair, ForecastKey
from services.forecaster.cache.freshness import Freshness
from services.forecaster.engine.types import TermSeries
from services.forecaster.generate import Generated, GenerateRequest

MIN_POINTS, MAX_POINTS = 3, 5000
MAX_TEXT = 500
MAX_ERROR = 2000
MAX_LEASE = 2**53 - 1  # the largest integer that Redis's Lua compares exactly
_DATA_HASH = re.compile(r"[0-9a-f]{16}")

_FRESHNESS = {
    Freshness.MISSING: pb.FRESHNESS_MISSING,
    Freshness.STALE: pb.FRESHNESS_STALE,
    Freshness.FRESH: pb.FRESHNESS_FRESH,
}


def read_request(request: pb.GenerateForecastsRequest) -> GenerateRequest:
    """Validates and maps the request of one run."""
    key = request.key
    snapshot = read_snapshot(key)
    _check_terms(key, "key")
    times = _times(request.times)
    flags = (request.partial_last_period, request.scaled_apart, request.gaps_filled)
    if not request.HasField("last_updated_at"):
        raise invalid("last_updated_at", "last_updated_at is missing")
    if request.adopt_above_lease < 0:
        raise invalid("adopt_above_lease", "adopt_above_lease is negative")
    return GenerateRequest(
        snapshot=snapshot,
        series_a=TermSeries(key.term_a, "termA", key.timeframe, times, _values("values_a", request, times), *flags),
        series_b=TermSeries(key.term_b, "termB", key.timeframe, times, _values("values_b", request, times), *flags),
        source=_text("source", request.source),
        last_updated_at=_time("last_updated_at", request.last_updated_at),
        lease_id=read_lease(request.lease_id),
        adopt_above_lease=request.adopt_above_lease,
        force=request.force,
        debug_id=request.debug_id[:MAX_TEXT],
    )


def read_snapshot(key: pb.SnapshotKey, field: str = "key") -> SnapshotKey:
    """The snapshot that a key names, without its terms."""
    if key.timeframe not in TIMEFRAMES:
        raise invalid(f"{field}.timeframe", f"{field}.timeframe is not one of {', '.join(TIMEFRAMES)}")
    if not _DATA_HASH.fullmatch(key.data_hash):
        raise invalid(f"{field}.data_hash", f"{field}.data_hash is not 16 hex digits")
    if parse_geo(key.geo) != key.geo:
        raise invalid(f"{field}.geo", f"{field}.geo is not in its canonical form")
    return SnapshotKey(_text(f"{field}.slug", key.slug), key.timeframe, key.geo, key.data_hash)


def read_forecast_keys(key: pb.SnapshotKey, field: str, own_version: str) -> list[ForecastKey]:
    """The keys of a snapshot's bundles: of the own engine first, then of the engine in the job's row."""
    snapshot = read_snapshot(key, field)
    _check_terms(key, field)
    versions = [own_version]
    if key.engine_version not in ("", own_version):
        versions.append(_text(f"{field}.engine_version", key.engine_version))
    return [ForecastKey(snapshot, key.term_a, key.term_b, version) for version in versions]


def read_lease(lease_id: int) -> int:
    """Validates a lease id: 1 to MAX_LEASE."""
    if not 1 <= lease_id <= MAX_LEASE:
        raise invalid(
            "lease_id",
            f"lease_id is {lease_id}; it must be from 1 to {MAX_LEASE}. Check the lease sequence in PostgreSQL",
        )
    return lease_id


def read_failure(request: pb.RecordFailureRequest) -> tuple[SnapshotKey, int, str, str]:
    """Snapshot, lease, status and error, cut to MAX_ERROR characters."""
    if request.status not in ("queued", "failed"):
        raise invalid("status", "status is neither queued nor failed")
    return read_snapshot(request.key), read_lease(request.lease_id), request.status, request.error[:MAX_ERROR]


def write_cached(key: ForecastKey, pair: BundlePair | None, freshness: Freshness) -> pb.CachedForecasts:
    """Maps a cached pair; a missing one has keys alone."""
    if pair is None or freshness is Freshness.MISSING:
        return pb.CachedForecasts(freshness=pb.FRESHNESS_MISSING, term_a_key=key.key_a, term_b_key=key.key_b)
    return pb.CachedForecasts(
        freshness=_FRESHNESS[freshness],
        term_a_json=pair.bundle_a,
        term_b_json=pair.bundle_b,
        head_to_head_json=pair.head_to_head_with_margin,
        generated_at=pair.generated_at,
        term_a_key=key.key_a,
        term_b_key=key.key_b,
        engine_version=pair.engine_version,
        insights_a_json=pair.insights.term_a,
        insights_b_json=pair.insights.term_b,
        together_json=pair.insights.together,
        interpretations_json=pair.insights.interpretations,
    )


def write_freshness(freshness: Freshness) -> pb.Freshness.ValueType:
    """Maps a freshness."""
    return _FRESHNESS[freshness]


def write_generated(generated: Generated) -> pb.GeneratedForecasts:
    """Maps the result of a run, from the stored bundles."""
    key, pair = generated.key, generated.pair
    return pb.GeneratedForecasts(
        engine_version=pair.engine_version,
        generated_at=pair.generated_at,
        adopted=generated.adopted,
        term_a=_term(pair.bundle_a, key.key_a),
        term_b=_term(pair.bundle_b, key.key_b),
    )


class _Point(msgspec.Struct):
    date: str
    value: float
    lower80: float
    upper80: float
    lower95: float
    upper95: float


class _Bundle(msgspec.Struct, rename="camel"):
    term: str
    direction: str
    confidence: float
    forecast_hash: str
    points: list[_Point]


_bundles = msgspec.json.Decoder(_Bundle)


def _term(bundle: bytes, cache_key: str) -> pb.TermForecast:
    read = _bundles.decode(bundle)
    return pb.TermForecast(
        term=read.term,
        forecast_hash=read.forecast_hash,
        cache_key=cache_key,
        direction=read.direction,
        confidence=read.confidence,
        points=[
            pb.ForecastPoint(
                time=_from_date(point.date),
                value=point.value,
                lower80=point.lower80,
                upper80=point.upper80,
                lower95=point.lower95,
                upper95=point.upper95,
            )
            for point in read.points
        ],
    )


def _check_terms(key: pb.SnapshotKey, field: str) -> None:
    if _text(f"{field}.term_a", key.term_a) == _text(f"{field}.term_b", key.term_b):
        raise invalid(f"{field}.term_b", f"{field}.term_b equals term_a; a comparison needs two terms")


def _times(stamps: Sequence[Timestamp]) -> tuple[datetime, ...]:
    if not MIN_POINTS <= len(stamps) <= MAX_POINTS:
        raise invalid("times", f"times has {len(stamps)} points; {MIN_POINTS} to {MAX_POINTS} are allowed")
    times = tuple(_time(f"times[{i}]", stamp) for i, stamp in enumerate(stamps))
    for i in range(1, len(times)):
        if times[i] <= times[i - 1]:
            raise invalid(f"times[{i}]", f"times[{i}] is not after the one before it")
    return times


def _values(field: str, request: pb.GenerateForecastsRequest, times: tuple[datetime, ...]) -> tuple[float, ...]:
    values = tuple(request.values_a if field == "values_a" else request.values_b)
    if len(values) != len(times):
        raise invalid(field, f"{field} has {len(values)} values for {len(times)} times")
    for i, value in enumerate(values):
        if not math.isfinite(value) or not 0 <= value <= 100:
            raise invalid(f"{field}[{i}]", f"{field}[{i}] is not a number from 0 to 100")
    return values


def _text(field: str, text: str) -> str:
    if not text or len(text) > MAX_TEXT:
        raise invalid(field, f"{field} is empty or longer than {MAX_TEXT} characters")
    return text


def _time(field: str, stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(field, f"{field} is not a time between the years 1 and 9999") from None


def _from_date(text: str) -> datetime:
    date = datetime.fromisoformat(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
