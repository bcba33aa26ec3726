"""The format of a bundle in Redis: one JSON object with checksums."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from services.forecaster.cache.bundles import NULL, BundlePair, ForecastKey, format_timestamp
from services.forecaster.insights.encoded import EncodedInsights


class CorruptValueError(Exception):
    """A cached value that does not decode or does not match its checksum."""


_ABSENT = msgspec.Raw()


# Unknown fields of newer releases are ignored. Each checksum must cover exactly its fields in every release; otherwise
# an older release would take bundles of a newer one for corrupt.
class _Envelope(msgspec.Struct, rename="camel", omit_defaults=True):
    checksum: str  # of the fields up to `bundle`
    lease_id: int
    engine_version: str
    generated_at: str
    # Raw: readers pass them on unparsed.
    head_to_head: msgspec.Raw
    bundle: msgspec.Raw
    # All of these are absent from envelopes of engines before version 9.
    insights: msgspec.Raw = _ABSENT
    margin: msgspec.Raw = _ABSENT  # this and the next two: with the first term only
    together: msgspec.Raw = _ABSENT
    interpretations: msgspec.Raw = _ABSENT
    shared_checksum: str = ""  # with the second term only: of the three parts stored with the first term
    insights_checksum: str = ""  # of `checksum` and the fields since `insights`


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Envelope)


def seal(pair: BundlePair) -> tuple[bytes, bytes]:
    """The two values to store, one per bundle. What both terms share is stored with the first one."""
    first, second = _envelope(pair, pair.bundle_a), _envelope(pair, pair.bundle_b)
    first.insights = msgspec.Raw(pair.insights.term_a)
    first.margin = msgspec.Raw(pair.margin)
    first.together = msgspec.Raw(pair.insights.together)
    first.interpretations = msgspec.Raw(pair.insights.interpretations)
    second.insights = msgspec.Raw(pair.insights.term_b)
    second.shared_checksum = _shared_checksum(first)
    for envelope in (first, second):
        envelope.checksum = _checksum(envelope)
        envelope.insights_checksum = _insights_checksum(envelope)
    return _encoder.encode(first), _encoder.encode(second)


def unseal(value_a: bytes | None, value_b: bytes | None) -> BundlePair | None:
    """The pair, or None if one is absent or the two are from different runs.

    Raises CorruptValueError for a value that does not decode or whose checksum differs.
    """
    first = _unseal(value_a) if value_a is not None else None
    second = _unseal(value_b) if value_b is not None else None
    if first is None or second is None or _run_of(first) != _run_of(second):
        return None
    pair = BundlePair(
        lease_id=first.lease_id,
        engine_version=first.engine_version,
        generated_at=_generated_at(first),
        bundle_a=bytes(first.bundle),
        bundle_b=bytes(second.bundle),
        head_to_head=bytes(first.head_to_head),
    )
    if not first.insights_checksum and not second.insights_checksum:
        return pair
    if second.shared_checksum != _shared_checksum(first):
        raise CorruptValueError("the checksum of the shared parts differs")
    insights = EncodedInsights(
        term_a=bytes(first.insights),
        term_b=bytes(second.insights),
        together=bytes(first.together),
        interpretations=bytes(first.interpretations),
    )
    return replace(pair, margin=bytes(first.margin), insights=insights)


def unseal_for(key: ForecastKey, value_a: bytes | None, value_b: bytes | None) -> BundlePair | None:
    """The pair, as `unseal` does. Raises CorruptValueError also if its engine version is not that of its keys."""
    pair = unseal(value_a, value_b)
    if pair is not None and pair.engine_version != key.engine_version:
        raise CorruptValueError("its engine version differs from its key's")
    return pair


@dataclass(frozen=True)
class SealedRun:
    """What one value says about the run that wrote it."""

    lease_id: int
    engine_version: str
    generated_at: datetime
    has_insights: bool


def read_run(value: bytes) -> SealedRun:
    """The run of one value. Raises CorruptValueError as `unseal` does."""
    envelope = _unseal(value)
    return SealedRun(
        lease_id=envelope.lease_id,
        engine_version=envelope.engine_version,
        generated_at=_generated_at(envelope),
        has_insights=bytes(envelope.insights) not in (b"", NULL),
    )


def _envelope(pair: BundlePair, bundle: bytes) -> _Envelope:
    return _Envelope(
        checksum="",
        lease_id=pair.lease_id,
        engine_version=pair.engine_version,
        generated_at=format_timestamp(pair.generated_at),
        head_to_head=msgspec.Raw(pair.head_to_head),
        bundle=msgspec.Raw(bundle),
    )


def _unseal(value: bytes) -> _Envelope:
    try:
        envelope = _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CorruptValueError("does not decode") from None
    if envelope.checksum != _checksum(envelope):
        raise CorruptValueError("its checksum differs")
    if envelope.insights_checksum != (_insights_checksum(envelope) if _has_insights(envelope) else ""):
        raise CorruptValueError("the checksum of its insights differs")
    return envelope


def _generated_at(envelope: _Envelope) -> datetime:
    try:
        return datetime.fromisoformat(envelope.generated_at)
    except ValueError:
        raise CorruptValueError("generatedAt is not a time") from None


def _run_of(envelope: _Envelope) -> tuple[int, str, str, bytes]:
    return envelope.lease_id, envelope.engine_version, envelope.generated_at, bytes(envelope.head_to_head)


def _has_insights(envelope: _Envelope) -> bool:
    return any((*_shared_parts(envelope), bytes(envelope.insights), envelope.shared_checksum))


def _checksum(envelope: _Envelope) -> str:
    texts = (str(envelope.lease_id), envelope.engine_version, envelope.generated_at)
    return _digest(*(text.encode() for text in texts), bytes(envelope.head_to_head), bytes(envelope.bundle))


def _insights_checksum(envelope: _Envelope) -> str:
    """Covers `checksum`, so that insights belong to their bundle."""
    checksums = (envelope.checksum, envelope.shared_checksum)
    return _digest(*(checksum.encode() for checksum in checksums), bytes(envelope.insights), *_shared_parts(envelope))


def _shared_checksum(first: _Envelope) -> str:
    return _digest(*_shared_parts(first))


def _shared_parts(envelope: _Envelope) -> tuple[bytes, bytes, bytes]:
    return bytes(envelope.margin), bytes(envelope.together), bytes(envelope.interpretations)


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))  # the length prefix separates the fields
        digest.update(part)
    return digest.hexdigest()
