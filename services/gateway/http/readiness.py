"""Whether the gateway accepts new requests, and the body of the probes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass
class Readiness:
    """Set by the server at start and drain, read by `/readyz`."""

    ready: bool = False


class Health(msgspec.Struct):
    """Liveness or readiness."""

    status: str
