"""The story of a comparison as plain values; `--json` prints them with these names in camel case.

Times are ISO 8601 in UTC; None where they do not apply.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Snapshot(msgspec.Struct, rename="camel"):
    """The current snapshot."""

    terms: list[str]  # termA and termB
    points: int
    first: str
    last: str
    partial_last_period: bool
    scaled_apart: bool
    source: str
    as_of: str | None
    data_hash: str
    previous_data_hash: str | None


class Job(msgspec.Struct, rename="camel"):
    """The job's row."""

    id: int
    status: str
    attempts: int
    reason: str | None  # of the episode's enqueue
    engine_version: str | None
    lease_id: int | None
    queued_at: str | None
    started_at: str | None
    completed_at: str | None
    lease_expires_at: str | None
    next_try: str | None  # of a queued job: not before; of a failed one: the end of its cool-down
    last_error: str | None
    debug_id: str | None
    overdue: bool
    cooling_down: bool
    queue_position: int | None  # 1 is next
    eta_seconds: float | None


class Attempt(msgspec.Struct, rename="camel"):
    """One attempt of the job that has ended."""

    attempt: int  # in its episode
    reason: str  # of its episode's enqueue
    lease_id: int
    holder: str
    due_at: str | None
    claimed_at: str | None
    ended_at: str | None
    outcome: str
    error_reason: str | None
    error: str | None
    engine_version: str | None
    debug_id: str | None
    trace_id: str | None
    adopted: bool
    refused_at: str | None  # when its late result was refused


class Key(msgspec.Struct, rename="camel"):
    """One Redis key."""

    name: str
    exists: bool
    ttl_seconds: int | None  # None if it does not exist or never expires
    size_bytes: int


class Bundle(msgspec.Struct, rename="camel"):
    """The key of one term's bundle."""

    key: Key
    intact: bool
    defect: str | None  # why an existing bundle is not intact
    lease_id: int | None  # this and the rest: of an intact bundle
    engine_version: str | None
    generated_at: str | None
    has_insights: bool | None


class BundlePair(msgspec.Struct, rename="camel"):
    """The bundles of one engine version."""

    engine_version: str
    freshness: str  # fresh, stale or missing
    defect: str | None  # why two existing bundles are not used
    term_a: Bundle
    term_b: Bundle


class Mark(msgspec.Struct, rename="camel"):
    """A debugging key."""

    key: Key
    text: str


class SnapshotKeys(msgspec.Struct, rename="camel"):
    """Every Redis key of one snapshot."""

    data_hash: str
    bundles: list[BundlePair]
    marks: list[Mark]


class ForecasterState(msgspec.Struct, rename="camel"):
    """Whether the forecaster answered."""

    engine_version: str | None
    error: str | None


class PremiumAnswer(msgspec.Struct, rename="camel"):
    """What a GET of the premium answer would return now; None where that depends on a gateway's memory."""

    warmup_status: str | None
    serves: str | None  # bundles of the current or the previous snapshot, or nothing
    stale: bool | None
    refreshing: bool | None
    enqueues: str | None  # the reason of the enqueue; None if it enqueues nothing
    because: list[str]


class Story(msgspec.Struct, rename="camel"):
    """The whole story."""

    slug: str
    timeframe: str
    geo: str
    snapshot: Snapshot
    job: Job | None
    attempts: list[Attempt]  # the last ten, newest first
    forecaster: ForecasterState
    keys: list[SnapshotKeys]  # of the current snapshot, then of the previous one; empty if the forecaster failed
    premium: PremiumAnswer
    # Any: the forecaster's JSON, printed as it is.
    interpretations: list[Any] | None  # of the bundles that premium would serve
