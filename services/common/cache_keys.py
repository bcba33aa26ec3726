"""The canonical Redis keys. Nothing else builds one."""

from __future__ import annotations

from urllib.parse import quote

from services.common.comparison import SnapshotKey

STATUS, LOCK, ERROR = "status", "lock", "error"
DEBUG_ID, STARTED_AT, FINISHED_AT = "debug-id", "started-at", "finished-at"
# Of no snapshot: the name of each of those has parts after a colon. Access rules for `warmup-*` cover it.
WRITE_PROBE = "warmup-probe"


def forecast_key(snapshot: SnapshotKey, term: str, engine_version: str) -> str:
    """The key of one term's bundle."""
    return _join("forecast", snapshot.slug, term, snapshot.timeframe, snapshot.geo, snapshot.data_hash, engine_version)


def warmup_key(name: str, snapshot: SnapshotKey) -> str:
    """The key of one of the warmup's own marks: STATUS, LOCK, ERROR, DEBUG_ID, STARTED_AT or FINISHED_AT."""
    return _join(f"warmup-{name}", snapshot.slug, snapshot.timeframe, snapshot.geo, snapshot.data_hash)


def _join(*parts: str) -> str:
    # Percent-encoding is injective and leaves no colon or brace, so two different tuples never make one key.
    return ":".join(quote(part, safe="") for part in parts)
