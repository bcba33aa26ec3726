"""Whether the gateway accepts new requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Readiness:
    """Set by the server at start and drain, read by `/readyz`."""

    ready: bool = False
