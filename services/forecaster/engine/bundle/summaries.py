"""What a forecast says of the next 14 and 30 days, in numbers and in a few sentences made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.common.comparison import Step
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.bundle.direction import recent
from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array, History
from services.forecaster.engine.intervals.prediction_intervals import Bands
from services.forecaster.engine.types import JsonObject

LONGEST_DAYS = 30
# The path that is computed. Beyond the horizon it is for the summaries alone: a daily forecast of 14 days goes on to
# day 30. An hourly one of two days does not: 720 hours from a week of data would be made up.
PATH_STEPS = {Step.DAILY: LONGEST_DAYS}


@dataclass(frozen=True)
class Path:
    """The forecast with the dates of its periods, horizon and what lies beyond it for the summaries."""

    times: tuple[datetime, ...]
    bands: Bands


def summarise(
    history: History,
    path: Path,
    days: int,
    *,
    sure_of: Callable[[int], float],
    warn: Callable[[float, bool], list[object]],
) -> JsonObject:
    """`{averageValue, confidence, keyPoints, warnings}` of the periods that begin within `days` after the last actual
    one; of the first one where none does.

    `sure_of` gives the confidence in a number of steps, `warn` the warnings from that and whether all days are covered.
    """
    end = history.last_time + timedelta(days=days)
    steps = max(1, sum(time <= end for time in path.times))
    complete = path.times[-1] >= end
    sure = sure_of(steps)
    return {
        "averageValue": rounded(float(path.bands.value[:steps].mean())),
        "confidence": rounded(sure),
        "keyPoints": _key_points(history, path, steps, days, complete),
        "warnings": warn(sure, complete),
    }


def _key_points(history: History, path: Path, steps: int, days: int, complete: bool) -> list[object]:
    bands, step = path.bands, history.timeframe.step
    values = bands.value[:steps]
    before = recent(history.values, steps)
    points: list[object] = [
        _average(values, before, step),
        f"80 % intervals lie within {bands.lower80[:steps].min():.1f} to {bands.upper80[:steps].max():.1f}",
    ]
    if values.max() - values.min() >= 1:
        top, low = int(values.argmax()), int(values.argmin())
        points.append(
            f"Highest on {period_text(path.times[top], step)} ({values[top]:.1f}), "
            f"lowest on {period_text(path.times[low], step)} ({values[low]:.1f})"
        )
    if not complete:
        points.append(f"Covers {steps} {_PERIODS[step]} of the {days} days: the forecast ends there")
    return points


_PERIODS = {Step.HOURLY: "hours", Step.DAILY: "days", Step.WEEKLY: "weeks", Step.MONTHLY: "months"}


def _average(values: Array, before: Array, step: Step) -> str:
    average, change = float(values.mean()), float(values.mean() - before.mean())
    name = _PERIODS[step] if len(before) > 1 else _PERIODS[step][:-1]
    last = f"the last {len(before)} {name}" if len(before) > 1 else f"the last {name}"
    if abs(change) < 0.05:
        return f"Averages {average:.1f}, level with {last}"
    return f"Averages {average:.1f}, {abs(change):.1f} {'above' if change > 0 else 'below'} {last}"
