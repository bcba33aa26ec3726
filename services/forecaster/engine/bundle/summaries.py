"""Summaries of the next 14 and 30 days: numbers, and sentences made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.common.comparison import Step
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.bundle.direction import recent
from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array, History
from services.forecaster.engine.intervals.prediction_intervals import Intervals
from services.forecaster.engine.types import JsonObject

LONGEST_DAYS = 30
# Steps to compute where the 30-day summary needs more than the horizon. Hourly forecasts are not extended: a week of
# data does not support 720 hours.
PATH_STEPS = {Step.DAILY: LONGEST_DAYS}


@dataclass(frozen=True)
class Path:
    """The forecast with its dates: the horizon, and the steps beyond it that only the summaries use."""

    times: tuple[datetime, ...]
    intervals: Intervals


def summarise(
    history: History,
    path: Path,
    days: int,
    *,
    confidence_in: Callable[[int], float],
    warn: Callable[[float, bool], list[object]],
) -> JsonObject:
    """`{averageValue, confidence, keyPoints, warnings}` of the periods that start within `days` after the last actual
    one, at least of the first.

    `confidence_in` returns the confidence of the first n steps; `warn` the warnings for a confidence and whether all
    days are covered.
    """
    end = history.last_time + timedelta(days=days)
    steps = max(1, sum(time <= end for time in path.times))
    complete = path.times[-1] >= end
    confidence_value = confidence_in(steps)
    return {
        "averageValue": rounded(float(path.intervals.value[:steps].mean())),
        "confidence": rounded(confidence_value),
        "keyPoints": _key_points(history, path, steps, days, complete),
        "warnings": warn(confidence_value, complete),
    }


def _key_points(history: History, path: Path, steps: int, days: int, complete: bool) -> list[object]:
    intervals, step = path.intervals, history.timeframe.step
    values = intervals.value[:steps]
    before = recent(history.values, steps)
    points: list[object] = [
        _average(values, before, step),
        f"80 % intervals lie within {intervals.lower80[:steps].min():.1f} to {intervals.upper80[:steps].max():.1f}",
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
