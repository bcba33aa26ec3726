"""The engine, run in the pool: both terms at once, then how they stand to each other."""

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
from services.forecaster.workers import worker
from services.forecaster.workers.pool import Pool
from services.forecaster.workers.worker import SeriesRejected

log = structlog.get_logger()

Result = TypeVar("Result")


def engine_version(setting: EngineSetting) -> str:
    """Numbers under a key never differ, so each setting has a version of its own."""
    return ENGINE_VERSION if setting is EngineSetting.FULL else f"{ENGINE_VERSION}-{setting.value}"


class PooledEngine:
    """See generate.Engine."""

    def __init__(self, pool: Pool, setting: EngineSetting) -> None:
        self.version = engine_version(setting)
        self._pool = pool
        self._setting = setting

    async def compute(self, series_a: TermSeries, series_b: TermSeries) -> Computed:
        """Both bundles. Raises UNWARMABLE when the engine refuses a series, else what Pool.run raises."""
        try:
            async with asyncio.TaskGroup() as both:
                tasks = [both.create_task(self._forecast(series)) for series in (series_a, series_b)]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        a, b = (task.result() for task in tasks)
        head_to_head = await self._run(worker.compare, a, b)
        stamp = {"engineVersion": self.version}
        return Computed(a.bundle | stamp, b.bundle | stamp, head_to_head)

    async def _forecast(self, series: TermSeries) -> TermForecast:
        made = await self._run(worker.forecast, series, self._setting)
        if isinstance(made, SeriesRejected):
            raise WarmcastError(
                errors.UNWARMABLE, f"{series.term}: {made.detail}", metadata={"term": series.term, "why": made.reason}
            )
        return made

    async def _run(self, function: Callable[..., Result], *args: object) -> Result:
        try:
            return await self._pool.run(function, *args)
        except WarmcastError:
            raise
        except Exception:
            log.exception("the engine crashed")
            raise WarmcastError(errors.INTERNAL, "the engine crashed; the log has it by request id") from None
