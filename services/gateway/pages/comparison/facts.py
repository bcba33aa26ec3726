"""Fetches what a comparison's page shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from cachetools import LRUCache
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.gateway.bodies.trust import TrustStats, trust
from services.gateway.premium.answer import Answer
from services.gateway.premium.cache import AnswerCache
from services.gateway.upstream.clients import Jobs

log = structlog.get_logger()

_MAX_SERIES_BYTES = 32 * 1024 * 1024
_TRUST_SECONDS = 60.0


@dataclass(frozen=True)
class Facts:
    """All that one page is made of."""

    key: ComparisonKey
    answer: Answer
    series: jobs_pb2.GetComparisonResponse
    trust: TrustStats | None  # of this timeframe; None while it is unavailable

    @property
    def older_forecasts(self) -> bool:
        """Whether the forecasts are those of the snapshot before."""
        forecasts = self.answer.forecasts
        return forecasts is not None and forecasts.data_hash != self.series.comparison.data_hash


class FactsSource:
    """The premium answer of a comparison, its series, and the track record. A snapshot's series never changes."""

    def __init__(self, jobs: Jobs, answers: AnswerCache, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._answers = answers
        self._clock = clock
        self._series: LRUCache[ComparisonKey, jobs_pb2.GetComparisonResponse] = LRUCache(
            _MAX_SERIES_BYTES, getsizeof=jobs_pb2.GetComparisonResponse.ByteSize
        )
        self._trust: dict[str, TrustStats] = {}
        self._trust_until = float("-inf")

    async def get(self, key: ComparisonKey, *, may_enqueue: bool) -> Facts:
        """The current facts. Raises WarmcastError as the premium service does; serves copies during outages."""
        rendered = self._answers.get(key) or await self._answers.fetch(key, may_enqueue=may_enqueue)
        answer = rendered.answer
        return Facts(key, answer, await self._get_series(key, answer), await self._get_trust(key.timeframe))

    async def _get_series(self, key: ComparisonKey, answer: Answer) -> jobs_pb2.GetComparisonResponse:
        kept = self._series.get(key)
        if kept is not None and kept.comparison.data_hash == answer.data_hash:
            return kept
        try:
            series = await self._jobs.get_comparison(key)
        except WarmcastError as error:
            if kept is None or error.reason.http_status < errors.INTERNAL.http_status:
                raise
            return kept
        self._series[key] = series
        return series

    async def _get_trust(self, timeframe: str) -> TrustStats | None:
        if self._clock() >= self._trust_until:
            self._trust_until = self._clock() + _TRUST_SECONDS  # before the call, so that others do not repeat it
            try:
                self._trust = trust(await self._jobs.trust_stats()).total.timeframes
            except WarmcastError as error:
                log.warning("the track record is unavailable", reason=error.reason.name)
        return self._trust.get(timeframe)
