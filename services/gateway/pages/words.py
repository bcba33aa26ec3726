"""The words of a comparison's page: names, units, certainty, and what flags and warnings mean."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.comparison import Step

UNITS = {Step.HOURLY: "hour", Step.DAILY: "day", Step.WEEKLY: "week", Step.MONTHLY: "month"}
TIMEFRAMES = {
    "7d": "7 days, hourly",
    "30d": "30 days, daily",
    "3m": "3 months, daily",
    "12m": "12 months, weekly",
    "5y": "5 years, weekly",
    "all": "All time, monthly",
}
# Per cent. Those of the forecaster's sentences, so that a page says one confidence in one way.
LOW_CONFIDENCE, HIGH_CONFIDENCE = 40, 70
WARNINGS = {
    "low_confidence": "The direction is uncertain: other outcomes are about as likely.",
    "insufficient_data": "Little is known: the series is short, or what came before a change no longer counts.",
    "high_volatility": "Values jump from one period to the next; single periods are hard to predict.",
    "anomaly_detected": "There was a shock. Forecasts do not foresee the next one.",
    "data_quality_concern": "The data have gaps, many zeros, or two scales.",
}
FLAGS = {
    "series_too_short": "The series is shorter than two horizons.",
    "too_spiky": "Values change by more than half of their level from one period to the next.",
    "event_shock_likely": "There was a shock within the last horizon.",
    "mostly_zero": "At least half of the values are near zero.",
    "recent_launch": "Interest began only recently.",
    "level_shift": "The level changed recently, and lastingly.",
    "partial_last_period": "The last period has not ended; it is drawn hollow and does not count.",
    "gaps_filled": "Missing periods were filled between their neighbours.",
    "scaled_apart": "Each term comes from an export of its own, scaled by itself.",
}


@dataclass(frozen=True)
class Named:
    """A term, and which of both it is: `a` or `b` decides its colour."""

    name: str
    role: str


def names_of(terms: tuple[str, str]) -> tuple[Named, Named]:
    """Both terms, in slug order."""
    return Named(terms[0], "a"), Named(terms[1], "b")


def certainty(percent: float, *, short: bool) -> str:
    """A confidence of 0 to 100 in the words of the interpretations. At any confidence, a short series says little."""
    confidence = round(percent)
    if confidence < LOW_CONFIDENCE or short:
        return "perhaps"
    return "probably" if confidence < HIGH_CONFIDENCE else "very probably"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    if number % 100 in (11, 12, 13):
        return f"{number:,}th"
    return f"{number:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def geo_name(geo: str) -> str:
    """A geo as a reader knows it."""
    return geo or "Worldwide"


def seconds_words(seconds: float) -> str:
    """A duration: `4 s`, `2 min`, `3 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5_400 else f"{round(seconds / 3_600)} h"
