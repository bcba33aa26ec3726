"""What the insights of one comparison cost: CPU in a worker, and bytes in the cache."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from benchmarks.insights.series import exported, noise
from services.common.comparison import SnapshotKey
from services.forecaster.cache.bundles import BundlePair
from services.forecaster.cache.envelope import seal
from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import TermSeries
from services.forecaster.generate import Computed, GenerateRequest, stamp
from services.forecaster.insights.encoded import encode
from services.forecaster.insights.pair import pair_insights
from services.forecaster.workers.warm_up import warm_up

RUNS = 25
SEED = 24


@dataclass(frozen=True)
class Shape:
    """A kind of snapshot."""

    name: str
    timeframe: str
    points: int
    season: int  # steps
    bar: float  # ms of CPU


SHAPES = (
    Shape("52 weeks", "12m", 52, 52, 12),
    Shape("260 weeks", "5y", 260, 52, 30),
    Shape("168 hours", "7d", 168, 24, 30),
    Shape("5,000 hours", "7d", 5000, 24, 150),
    Shape("5,000 days", "3m", 5000, 7, 150),
    Shape("5,000 weeks", "5y", 5000, 52, 150),
)


def lines() -> Iterator[str]:
    """One table."""
    warm_up()
    yield "| both terms | CPU ms, median | bar | bytes of both envelopes | of them insights and margin |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for shape in SHAPES:
        a, b = (example(shape, label, number) for number, label in enumerate(("termA", "termB")))
        pair = stored_pair(a, b)
        stored = sum(len(value) for value in seal(pair))
        insights = pair.insights
        added = (insights.term_a, insights.term_b, insights.together, insights.interpretations, pair.margin)
        milliseconds = 1000 * cpu_seconds(a, b)
        yield (
            f"| {shape.name} | {milliseconds:.1f} | {shape.bar:g} | {stored:,} | {sum(len(part) for part in added):,} |"
        )


def example(shape: Shape, label: str, number: int) -> TermSeries:
    """A term with a season, a wandering level, noise and events."""
    draw = np.random.default_rng((SEED, shape.points, number))
    season = 15 * np.sin(2 * np.pi * np.arange(shape.points) / shape.season + number)
    level = 50 + 10 * noise(draw, shape.points, 0.98)
    values = level + season + 5 * noise(draw, shape.points)
    values[draw.integers(shape.points, size=3)] += 40
    return exported(values, shape.timeframe, label=label)


def cpu_seconds(series_a: TermSeries, series_b: TermSeries) -> float:
    """The median of RUNS computations of the insights alone."""
    a, b = forecast_term(series_a), forecast_term(series_b)
    compared, measured = head_to_head(a, b), []
    for _ in range(RUNS):
        begun = time.process_time()
        encode(pair_insights(series_a, series_b, a, b, compared))
        measured.append(time.process_time() - begun)
    return statistics.median(measured)


def stored_pair(series_a: TermSeries, series_b: TermSeries) -> BundlePair:
    """What a run stores for these series."""
    a, b = forecast_term(series_a), forecast_term(series_b)
    compared = head_to_head(a, b)
    insights = encode(pair_insights(series_a, series_b, a, b, compared))
    now = datetime(2026, 11, 30, tzinfo=UTC)
    request = GenerateRequest(
        SnapshotKey("amazon-vs-costco", series_a.timeframe, "US", "0" * 16),
        series_a,
        series_b,
        source="api",
        last_updated_at=now,
        lease_id=1,
        adopt_above_lease=0,
        force=False,
        debug_id="",
    )
    return stamp(request, Computed(a.bundle, b.bundle, compared, insights), a.engine_version, now)
