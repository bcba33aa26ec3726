"""The body of the probes."""

from __future__ import annotations

import msgspec


class Health(msgspec.Struct):
    """Liveness or readiness."""

    status: str
