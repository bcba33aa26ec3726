"""Fixtures of the forecaster's tests: a manual clock, a controllable engine, requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from services.common.comparison import SnapshotKey
from services.forecaster.cache.bundles import ForecastKey
from services.forecaster.engine.types import TermSeries
from services.forecaster.generate import Computed, GenerateRequest
from services.forecaster.insights.encoded import EncodedInsights
from services.forecaster.rpc import mapping

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SNAPSHOT = SnapshotKey("costco-vs-ikea", "12m", "US", "0f3a0f3a0f3a0f3a")
HEAD_TO_HEAD: dict[str, object] = {"expectedMargin": 1.5, "margin": [{"date": "2026-11-29", "value": 1.5}]}
INSIGHTS = EncodedInsights(
    term_a=b'{"season":null,"peaks":[]}',
    term_b=b'{"season":{"peak":50.0}}',
    together=b'{"leadLag":null}',
    interpretations=b'[{"id":"winner"}]',
)


@dataclass
class ManualClock:
    """A clock that moves only when `move` is called."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class StandInEngine:
    """Returns at once, or after `released`; raises `failure` if set."""

    version: str = "1"
    failure: Exception | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event)
    computing: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    cancelled: int = 0

    def __post_init__(self) -> None:
        self.released.set()

    def hold(self) -> None:
        self.released.clear()

    async def compute(self, series_a: TermSeries, series_b: TermSeries) -> Computed:
        self.calls += 1
        self.computing.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise self.failure
        return Computed(self._bundle(series_a), self._bundle(series_b), HEAD_TO_HEAD, INSIGHTS)

    def _bundle(self, series: TermSeries) -> dict[str, object]:
        point = {"value": 50.0, "lower80": 40.0, "upper80": 60.0, "lower95": 30.0, "upper95": 70.0}
        return {
            "term": series.term,
            "label": series.label,
            "direction": "stable",
            "confidence": 61.5,
            "forecastHash": "ab" * 8,
            "engineVersion": self.version,
            "points": [{"date": "2026-11-29"} | point, {"date": "2026-12-06T00:00:00Z"} | point],
        }


def key(**changes: str) -> pb.SnapshotKey:
    """The snapshot's key as a message."""
    made = pb.SnapshotKey(
        slug=SNAPSHOT.slug,
        term_a="Costco",
        term_b="IKEA",
        timeframe=SNAPSHOT.timeframe,
        geo=SNAPSHOT.geo,
        data_hash=SNAPSHOT.data_hash,
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def request(
    lease_id: int = 1, *, points: int = 60, adopt_above: int = 0, force: bool = False
) -> pb.GenerateForecastsRequest:
    """A run's request over weekly points."""
    return pb.GenerateForecastsRequest(
        key=key(),
        times=[stamp(START.replace(hour=0) - timedelta(weeks=points - i)) for i in range(points)],
        values_a=[50.0 + 10 * ((i * 7) % 5) for i in range(points)],
        values_b=[30.0 + 8 * ((i * 3) % 7) for i in range(points)],
        source="api",
        last_updated_at=stamp(START),
        lease_id=lease_id,
        adopt_above_lease=adopt_above,
        force=force,
        debug_id=f"debug-{lease_id}",
    )


def order(lease_id: int = 1, *, adopt_above: int | None = None, force: bool = False) -> GenerateRequest:
    """The mapped request; by default, stored bundles belong to an earlier episode."""
    read = mapping.read_request(request(lease_id, force=force))
    return replace(read, adopt_above_lease=lease_id if adopt_above is None else adopt_above)


def name(version: str = "1") -> ForecastKey:
    """The key of the pair that such a request writes."""
    return ForecastKey(SNAPSHOT, "Costco", "IKEA", version)


def stamp(time: datetime) -> Timestamp:
    """A time as a message."""
    made = Timestamp()
    made.FromDatetime(time)
    return made
