"""Scores what was forecast earlier, after an import brought newer data. Never the import's trouble."""

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
        "Earlier forecasts that an import brought actual values for, by outcome",
        ["outcome"],
    ),
    ("scored", "error", *Unscored),
)
_SECONDS = 5.0  # that an import waits for scores; what they leave undone, the next import of the comparison does


class ScoreStore(Protocol):
    """What scoring needs of store.track_record.TrackRecord."""

    async def due(self, snapshot: Snapshot) -> Sequence[KeptForecast]: ...

    async def keep(self, snapshot: Snapshot, forecast: KeptForecast, found: Score) -> bool: ...


class Scorer:
    """Holds the forecasts of a comparison against its newest snapshot."""

    def __init__(self, store: ScoreStore) -> None:
        self._store = store

    async def score_earlier(self, snapshot: Snapshot) -> int:
        """Scores what `snapshot`, which is stored, completes; how many. Whatever goes wrong is logged and counted."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._score(snapshot)
        except Exception as error:
            # The import is done. Nothing is lost either: what was not scored is found due again by the next one.
            SCORES.labels("error").inc()
            log.warning("earlier forecasts were not scored", slug=snapshot.slug, error=repr(error))
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
