"""The bundles of one snapshot and their keys, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from services.common.cache_keys import forecast_key
from services.common.comparison import SnapshotKey
from services.forecaster.insights.encoded import NO_INSIGHTS, EncodedInsights

NULL = b"null"  # in JSON


@dataclass(frozen=True)
class ForecastKey:
    """Identifies the two bundles of one snapshot and engine version."""

    snapshot: SnapshotKey
    term_a: str
    term_b: str
    engine_version: str

    @cached_property
    def key_a(self) -> str:
        """The Redis key of the first term's bundle."""
        return forecast_key(self.snapshot, self.term_a, self.engine_version)

    @cached_property
    def key_b(self) -> str:
        """The Redis key of the second term's bundle."""
        return forecast_key(self.snapshot, self.term_b, self.engine_version)


@dataclass(frozen=True)
class BundlePair:
    """Two valid bundles of the same run, with what was computed beside them."""

    lease_id: int  # of the run that wrote them
    engine_version: str
    generated_at: datetime
    bundle_a: bytes  # JSON objects, byte for byte as written
    bundle_b: bytes
    head_to_head: bytes  # a JSON object without `margin`, or `null`
    margin: bytes = NULL  # a JSON array; `null` without a head-to-head, and from engines before version 9
    insights: EncodedInsights = NO_INSIGHTS

    @property
    def head_to_head_with_margin(self) -> bytes:
        """The contract's `headToHead`."""
        if NULL in (self.head_to_head, self.margin):
            return self.head_to_head
        return self.head_to_head.removesuffix(b"}") + b',"margin":' + self.margin + b"}"


def format_timestamp(time: datetime) -> str:
    """A time in the bundles' format: UTC, milliseconds, Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
