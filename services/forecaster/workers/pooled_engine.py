"""Runs the engine in the pool: both terms concurrently, then their head-to-head, then their insights."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from prometheus_client import Counter

from services.common import errors
from services.common.errors import WarmcastError
from services.common.telemetry.counters import count_from_zero
from services.forecaster.engine.types import EngineSetting, JsonObject, TermForecast, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION
from services.forecaster.generate import Computed
from services.forecaster.insights.encoded import NO_INSIGHTS, EncodedInsights
from services.forecaster.workers import worker
from services.forecaster.workers.pool import Pool
from services.forecaster.workers.worker import SeriesRejected

log = structlog.get_logger()

INSIGHTS_FAILED = count_from_zero(
    Counter("warmcast_forecaster_insights_failed_total", "Forecasts stored without insights, by cause", ["cause"]),
    ("crashed", "died", "deadline"),
)
_CAUSES = {errors.DEADLINE_EXCEEDED: "deadline", errors.UNAVAILABLE: "died"}

INSIGHTS_SECONDS = 10.0  # the longest series takes 0.11 s of CPU, and a worker gets a tenth of a busy CPU or more
Result = TypeVar("Result")


def engine_version(setting: EngineSetting) -> str:
    """The version in cache keys. Each setting has its own, because numbers under one key must never differ."""
    return ENGINE_VERSION if setting is EngineSetting.FULL else f"{ENGINE_VERSION}-{setting.value}"


class PooledEngine:
    """See generate.Engine."""

    def __init__(self, pool: Pool, setting: EngineSetting, *, insights_seconds: float = INSIGHTS_SECONDS) -> None:
        self.version = engine_version(setting)
        self._pool = pool
        self._setting = setting
        self._insights_seconds = insights_seconds

    async def compute(self, series_a: TermSeries, series_b: TermSeries) -> Computed:
        """Bundles and insights. Raises UNWARMABLE for a series that cannot be forecast, else what Pool.run raises."""
        try:
            async with asyncio.TaskGroup() as both:
                tasks = [both.create_task(self._forecast(series)) for series in (series_a, series_b)]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        a, b = (task.result() for task in tasks)
        head_to_head = await self._run(worker.compare, a, b)
        insights = await self._find_insights(series_a, series_b, a, b, head_to_head)
        stamp = {"engineVersion": self.version}
        return Computed(a.bundle | stamp, b.bundle | stamp, head_to_head, insights)

    async def _forecast(self, series: TermSeries) -> TermForecast:
        forecast = await self._run(worker.forecast, series, self._setting)
        if isinstance(forecast, SeriesRejected):
            raise WarmcastError(
                errors.UNWARMABLE,
                f"{series.term}: {forecast.detail}",
                metadata={"term": series.term, "why": forecast.reason},
            )
        return forecast

    async def _find_insights(
        self,
        series_a: TermSeries,
        series_b: TermSeries,
        forecast_a: TermForecast,
        forecast_b: TermForecast,
        head_to_head: JsonObject | None,
    ) -> EncodedInsights:
        """No insights if they fail, so that they cannot cost the forecasts; none for the cheap engine."""
        if self._setting is EngineSetting.NAIVE:
            return NO_INSIGHTS
        arguments = (series_a, series_b, forecast_a, forecast_b, head_to_head)
        try:
            return await self._pool.run(worker.find_insights, *arguments, deadline=self._insights_seconds)
        except WarmcastError as error:
            cause = _CAUSES.get(error.reason, "crashed")
            log.warning("insights failed; the forecasts are stored without them", cause=cause, error=error.detail)
        except Exception:
            cause = "crashed"
            log.exception("insights failed; the forecasts are stored without them", cause=cause)
        INSIGHTS_FAILED.labels(cause).inc()
        return NO_INSIGHTS

    async def _run(self, function: Callable[..., Result], *args: object) -> Result:
        try:
            return await self._pool.run(function, *args)
        except WarmcastError:
            raise
        except Exception:
            log.exception("the engine crashed")
            raise WarmcastError(errors.INTERNAL, "the engine crashed; see the log by request id") from None
