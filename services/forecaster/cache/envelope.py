"""The format of a bundle in Redis: one JSON object with a checksum."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from services.forecaster.cache.bundles import BundlePair, format_timestamp


class CorruptValueError(Exception):
    """A cached value that does not decode or does not match its checksum."""


# Unknown fields of newer releases are ignored. The checksum must cover exactly these fields in every release; otherwise
# an older release would take bundles of a newer one for corrupt.
class _Envelope(msgspec.Struct, rename="camel"):
    checksum: str
    lease_id: int
    engine_version: str
    generated_at: str
    # Raw: readers pass them on unparsed.
    head_to_head: msgspec.Raw
    bundle: msgspec.Raw


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Envelope)


def seal(pair: BundlePair) -> tuple[bytes, bytes]:
    """The two values to store, one per bundle, each with its own checksum."""
    return _seal(pair, pair.bundle_a), _seal(pair, pair.bundle_b)


def unseal(value_a: bytes | None, value_b: bytes | None) -> BundlePair | None:
    """The pair, or None if one is absent or the two are from different runs.

    Raises CorruptValueError for a value that does not decode or whose checksum differs.
    """
    a = _unseal(value_a) if value_a is not None else None
    b = _unseal(value_b) if value_b is not None else None
    if a is None or b is None or _run_of(a) != _run_of(b):
        return None
    try:
        generated_at = datetime.fromisoformat(a.generated_at)
    except ValueError:
        raise CorruptValueError("generatedAt is not a time") from None
    return BundlePair(
        lease_id=a.lease_id,
        engine_version=a.engine_version,
        generated_at=generated_at,
        bundle_a=bytes(a.bundle),
        bundle_b=bytes(b.bundle),
        head_to_head=bytes(a.head_to_head),
    )


def _seal(pair: BundlePair, bundle: bytes) -> bytes:
    envelope = _Envelope(
        checksum="",
        lease_id=pair.lease_id,
        engine_version=pair.engine_version,
        generated_at=format_timestamp(pair.generated_at),
        head_to_head=msgspec.Raw(pair.head_to_head),
        bundle=msgspec.Raw(bundle),
    )
    envelope.checksum = _checksum(envelope)
    return _encoder.encode(envelope)


def _unseal(value: bytes) -> _Envelope:
    try:
        envelope = _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CorruptValueError("does not decode") from None
    if envelope.checksum != _checksum(envelope):
        raise CorruptValueError("its checksum differs")
    return envelope


def _checksum(envelope: _Envelope) -> str:
    digest = hashlib.sha256()
    texts = (str(envelope.lease_id), envelope.engine_version, envelope.generated_at)
    for part in (*(text.encode() for text in texts), bytes(envelope.head_to_head), bytes(envelope.bundle)):
        digest.update(b"%d:" % len(part))  # the length prefix separates the fields
        digest.update(part)
    return digest.hexdigest()


def _run_of(envelope: _Envelope) -> tuple[int, str, str, bytes]:
    return envelope.lease_id, envelope.engine_version, envelope.generated_at, bytes(envelope.head_to_head)
