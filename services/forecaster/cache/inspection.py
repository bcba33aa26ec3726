"""Every Redis key of one snapshot as operators see it: whether it exists, its TTL and its content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.common.cache_keys import DEBUG_ID, ERROR, FINISHED_AT, LOCK, STARTED_AT, STATUS, warmup_key
from services.forecaster.cache.bundles import BundlePair, ForecastKey
from services.forecaster.cache.envelope import CorruptValueError, SealedRun, read_run, unseal_for
from services.forecaster.cache.freshness import Freshness, assess_freshness

MARKS = (LOCK, STATUS, ERROR, DEBUG_ID, STARTED_AT, FINISHED_AT)
_ABSENT, _NEVER_EXPIRES = -2, -1  # TTL's replies


@dataclass(frozen=True)
class StoredValue:
    """The replies of MGET and TTL for one key."""

    value: bytes | None  # None also for a value that is not a string
    ttl: int

    @property
    def exists(self) -> bool:
        """Whether the key exists."""
        return self.value is not None or self.ttl != _ABSENT

    @property
    def ttl_seconds(self) -> int | None:
        """Seconds until the key expires; None if it does not exist or never expires."""
        return None if self.ttl in (_ABSENT, _NEVER_EXPIRES) else self.ttl


@dataclass(frozen=True)
class InspectedBundle:
    """One bundle. `run` is None if it is absent or not intact; `defect` says why an existing one is not intact."""

    name: str  # of the key
    stored: StoredValue
    run: SealedRun | None
    defect: str


@dataclass(frozen=True)
class InspectedPair:
    """The two bundles of one engine version. `defect` says why two existing bundles are not used."""

    engine_version: str
    bundle_a: InspectedBundle
    bundle_b: InspectedBundle
    freshness: Freshness
    defect: str


@dataclass(frozen=True)
class InspectedMark:
    """One debugging key."""

    mark: str  # one of MARKS
    name: str  # of the key
    stored: StoredValue


@dataclass(frozen=True)
class Inspection:
    """Every key of one snapshot."""

    pairs: tuple[InspectedPair, ...]  # one for each engine version
    marks: tuple[InspectedMark, ...]


def key_names(keys: Sequence[ForecastKey]) -> list[str]:
    """The Redis keys of these bundles and of their snapshot's marks. `keys` differ in the engine version alone."""
    bundles = [name for key in keys for name in (key.key_a, key.key_b)]
    return bundles + [warmup_key(mark, keys[0].snapshot) for mark in MARKS]


def inspect(
    keys: Sequence[ForecastKey], stored: Mapping[str, StoredValue], *, now: datetime, own_version: str
) -> Inspection:
    """Describes the values of `key_names(keys)`."""
    pairs = tuple(_inspect_pair(key, stored[key.key_a], stored[key.key_b], now, own_version) for key in keys)
    names = {mark: warmup_key(mark, keys[0].snapshot) for mark in MARKS}
    return Inspection(pairs, tuple(InspectedMark(mark, name, stored[name]) for mark, name in names.items()))


def _inspect_pair(
    key: ForecastKey, stored_a: StoredValue, stored_b: StoredValue, now: datetime, own_version: str
) -> InspectedPair:
    pair, defect = _unseal(key, stored_a, stored_b)
    return InspectedPair(
        engine_version=key.engine_version,
        bundle_a=_inspect_bundle(key.key_a, stored_a),
        bundle_b=_inspect_bundle(key.key_b, stored_b),
        freshness=assess_freshness(pair, now=now, own_version=own_version),
        defect=defect,
    )


def _unseal(key: ForecastKey, stored_a: StoredValue, stored_b: StoredValue) -> tuple[BundlePair | None, str]:
    try:
        pair = unseal_for(key, stored_a.value, stored_b.value)
    except CorruptValueError as error:
        return None, str(error)
    if pair is None and stored_a.exists and stored_b.exists:
        return None, "the two bundles are from different runs"
    return pair, ""


def _inspect_bundle(name: str, stored: StoredValue) -> InspectedBundle:
    if stored.value is None:
        return InspectedBundle(name, stored, None, "it is not a string" if stored.exists else "")
    try:
        return InspectedBundle(name, stored, read_run(stored.value), "")
    except CorruptValueError as error:
        return InspectedBundle(name, stored, None, str(error))
