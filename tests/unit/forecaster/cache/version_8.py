"""Values and their reader as in engine version 8, which knew no insights. Keep unchanged: such releases still run."""

from __future__ import annotations

import hashlib

import msgspec

VALUES = (
    b'{"checksum":"4b2b56dba86b07311914f239e6f5efa8ebc7dd4325078e4ed3e5637012fedbd1","leaseId":7,"engineVersion":"1",'
    b'"generatedAt":"2026-11-24T13:05:06.789Z","headToHead":{"winnerProbability":51.5},'
    b'"bundle":{"term":"caf\xc3\xa9","points":[1.5, 2]}}',
    b'{"checksum":"0a665b1a14753a30c752110290c894e0d9f738c2f37093f97343c6f32063e046","leaseId":7,"engineVersion":"1",'
    b'"generatedAt":"2026-11-24T13:05:06.789Z","headToHead":{"winnerProbability":51.5},'
    b'"bundle":{"term":"tea","points":[3]}}',
)


class _Envelope(msgspec.Struct, rename="camel"):
    checksum: str
    lease_id: int
    engine_version: str
    generated_at: str
    head_to_head: msgspec.Raw
    bundle: msgspec.Raw


def read(value: bytes) -> bytes:
    """The bundle in a value; raises ValueError if its checksum differs."""
    envelope = msgspec.json.decode(value, type=_Envelope)
    digest = hashlib.sha256()
    texts = (str(envelope.lease_id), envelope.engine_version, envelope.generated_at)
    for part in (*(text.encode() for text in texts), bytes(envelope.head_to_head), bytes(envelope.bundle)):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    if digest.hexdigest() != envelope.checksum:
        raise ValueError("its checksum differs")
    return bytes(envelope.bundle)
