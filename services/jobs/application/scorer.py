"""Scores earlier forecasts after an import of newer data. A failure never fails the import."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from prometheus_client import Counter

from services.common.telemetry.counters import count_from_zero
from services.jobs.domain.scoring import KeptForecast, Score, Unscored, score
from services.jobs.domain.snapshot import Snapshot

log = structlog.get_logger()

SCORES = count_from_zero(
    Counter(
        "warmcast_jobs_scores_total",
        "Earlier forecasts compared with newly imported actual values, by outcome",
        ["outcome"],
    ),
    ("scored", "error", *Unscored),
)
_SECONDS = 5.0  # that an import waits; the next import of the comparison scores the rest


class ScoreStore(Protocol):
    """What scoring needs of postgres.track_record.TrackRecord."""

    async def due(self, snapshot: Snapshot) -> Sequence[KeptForecast]: ...

    async def keep(self, snapshot: Snapshot, forecast: KeptForecast, found: Score) -> bool: ...


class Scorer:
    """Compares the forecasts of a comparison with its newest snapshot."""

    def __init__(self, store: ScoreStore) -> None:
        self._store = store

    async def score_earlier(self, snapshot: Snapshot) -> int:
        """Scores forecasts whose horizon `snapshot` completes; returns how many. Errors are logged and counted."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._score(snapshot)
        except Exception as error:
            # The import has succeeded, and the next one finds the same forecasts due.
            SCORES.labels("error").inc()
            log.warning("could not score earlier forecasts", slug=snapshot.slug, error=repr(error))
            return 0

    async def _score(self, snapshot: Snapshot) -> int:
        scored = 0
        for forecast in await self._store.due(snapshot):
            found = score(forecast, snapshot)
            if isinstance(found, Unscored):
                SCORES.labels(found.value).inc()
            elif await self._store.keep(snapshot, forecast, found):
                SCORES.labels("scored").inc()
                scored += 1
        return scored
