"""Runs the engine in the pool: both terms concurrently, then their head-to-head."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from services.common import errors
from services.common.errors import WarmcastError
from services.forecaster.engine.types import EngineSetting, TermForecast, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION
from services.forecaster.generate import Computed
from services.forecaster.insights.encoded import NO_INSIGHTS
from services.forecaster.workers import worker
from services.forecaster.workers.pool import Pool
from services.forecaster.workers.worker import SeriesRejected

log = structlog.get_logger()

Result = TypeVar("Result")


def engine_version(setting: EngineSetting) -> str:
    """The version in cache keys. Each setting has its own, because numbers under one key must never differ."""
    return ENGINE_VERSION if setting is EngineSetting.FULL else f"{ENGINE_VERSION}-{setting.value}"


class PooledEngine:
    """See generate.Engine."""

    def __init__(self, pool: Pool, setting: EngineSetting) -> None:
        self.version = engine_version(setting)
        self._pool = pool
        self._setting = setting

    async def compute(self, series_a: TermSeries, series_b: TermSeries) -> Computed:
        """Both bundles. Raises UNWARMABLE for a series that cannot be forecast, else what Pool.run raises."""
        try:
            async with asyncio.TaskGroup() as both:
                tasks = [both.create_task(self._forecast(series)) for series in (series_a, series_b)]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        a, b = (task.result() for task in tasks)
        head_to_head = await self._run(worker.compare, a, b)
        stamp = {"engineVersion": self.version}
        return Computed(a.bundle | stamp, b.bundle | stamp, head_to_head, NO_INSIGHTS)

    async def _forecast(self, series: TermSeries) -> TermForecast:
        forecast = await self._run(worker.forecast, series, self._setting)
        if isinstance(forecast, SeriesRejected):
            raise WarmcastError(
                errors.UNWARMABLE,
                f"{series.term}: {forecast.detail}",
                metadata={"term": series.term, "why": forecast.reason},
            )
        return forecast

    async def _run(self, function: Callable[..., Result], *args: object) -> Result:
        try:
            return await self._pool.run(function, *args)
        except WarmcastError:
            raise
        except Exception:
            log.exception("the engine crashed")
            raise WarmcastError(errors.INTERNAL, "the engine crashed; see the log by request id") from None
